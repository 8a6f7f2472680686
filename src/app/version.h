/* version: what the program says of itself. */
#pragma once

#define BAROGRAPH_VERSION "0.1.0"

/* The commit that this was built from; empty where the build could not know it. */
extern const char barograph_revision[];

/* version_print: what --version says. */
void version_print(void);

/* The Prometheus release whose API, configuration and language are spoken; buildinfo tells it to
 * clients that ask. */
#define BAROGRAPH_SPEAKS_PROMETHEUS "3.14.0"
