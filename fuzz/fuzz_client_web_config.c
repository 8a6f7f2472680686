/* Any bytes as a web-config file of libbaro's server, and as the Authorization of a request to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "client/baro_server_priv.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct baro_web_config config = {0};
    struct baro_why why = {""};
    char decoded[256];
    char *text = malloc(size + 1);
    int result;

    ASSERT(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    result = baro_web_config_parse(text, "dir", &config, &why);
    ASSERT((result < 0) == (why.text[0] != '\0'));
    if (result == BARO_OK) {
        ASSERT((config.cert_file == NULL) == (config.key_file == NULL));
        ASSERT(config.user_count == 0 || !baro_web_config_allows(&config, "Bearer x"));
    }
    if (baro_base64_decode(text, decoded, sizeof(decoded))) {
        ASSERT(strlen(decoded) < sizeof(decoded));
    }
    baro_web_config_done(&config);
    free(text);
    return 0;
}
