#include "app/version.h"

#include <stdio.h>

void version_print(void)
{
    if (barograph_revision[0] == '\0') {
        (void)printf("barograph, version %s\n", BAROGRAPH_VERSION);
        return;
    }
    (void)printf("barograph, version %s (revision %s)\n", BAROGRAPH_VERSION, barograph_revision);
}
