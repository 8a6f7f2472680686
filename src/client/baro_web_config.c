/*
 * Prometheus's web-config file, by a reader of the YAML that such files are written in: maps of
 * maps by indentation, plain or quoted scalars, comments. Whatever else YAML has is refused with
 * its line, as are settings that are not obeyed here: to ignore one that protects something would
 * be worse.
 */
#include "client/baro_server_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef BARO_WITH_CRYPT
#include <crypt.h>
#endif

enum { FILE_BYTES_MAX = 65536, USERS_MAX = 1024, CREDENTIAL_BYTES_MAX = 1024 };

/* ---- Lines
 * --------------------------------------------------------------------------------------- */

struct line {
    int number;
    size_t indent;
    char *key;
    char *value; /* "" = none */
};

/* Ends a plain scalar at a comment and cuts spaces; takes quotes off. False when a quote does not
 * end, or YAML that is not read here. */
static bool scalar(char **text)
{
    char *at = *text;
    char quote = *at;
    char *end;

    if (quote == '"' || quote == '\'') {
        end = strchr(at + 1, quote);
        if (end == NULL || memchr(at, '\\', (size_t)(end - at)) != NULL) {
            return false;
        }
        *text = at + 1;
        *end++ = '\0';
        end += strspn(end, " \t");
        return *end == '\0' || *end == '#';
    }
    if (quote != '\0' && strchr("[{&*!|>%@`", quote) != NULL) {
        return strcmp(at, "{}") == 0 && (at[0] = '\0', true);
    }
    for (end = at; *end != '\0' && !(*end == '#' && (end == at || end[-1] == ' ')); end++) {
    }
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    return true;
}

/* Takes the next line that says something from *text; 1 = one is there, 0 = the end, -1 = not
 * readable. */
static int line_next(char **text, struct line *line)
{
    while (**text != '\0') {
        char *at = *text;
        char *end = at + strcspn(at, "\n");
        char *colon;

        *text = *end == '\0' ? end : end + 1;
        *end = '\0';
        if (end > at && end[-1] == '\r') {
            end[-1] = '\0';
        }
        line->number++;
        line->indent = strspn(at, " ");
        at += line->indent;
        if (*at == '\0' || *at == '#' || strcmp(at, "---") == 0) {
            continue;
        }
        line->key = at;
        if (*at == '"' || *at == '\'') {
            colon = strchr(at + 1, *at);
            colon = colon == NULL ? NULL : strchr(colon, ':');
        } else {
            colon = strchr(at, ':');
        }
        if (colon == NULL || *at == '-' || *at == '?' || (colon[1] != '\0' && colon[1] != ' ')) {
            return -1;
        }
        *colon = '\0';
        line->value = colon + 1 + strspn(colon + 1, " ");
        return scalar(&line->key) && scalar(&line->value) ? 1 : -1;
    }
    return 0;
}

/* ---- Settings
 * -------------------------------------------------------------------------------------- */

static char *path_in(const char *directory, const char *path)
{
    size_t size = strlen(directory);
    char *joined;

    if (path[0] == '/' || size == 0) {
        return baro_text_copy(path);
    }
    joined = malloc(size + 1 + strlen(path) + 1);
    if (joined != NULL) {
        memcpy(joined, directory, size);
        joined[size] = '/';
        memcpy(joined + size + 1, path, strlen(path) + 1);
    }
    return joined;
}

static int set_path(char **ret, const char *directory, const char *path)
{
    free(*ret);
    *ret = path_in(directory, path);
    return *ret == NULL ? BARO_NO_MEMORY : BARO_OK;
}

static int set_client_auth(struct baro_web_config *config, const char *value)
{
    static const struct {
        const char *name;
        bool must_show;
        bool is_verified;
    } types[] = {
        {"", false, false},
        {"NoClientCert", false, false},
        {"RequestClientCert", false, false},
        {"RequireAnyClientCert", true, false},
        {"VerifyClientCertIfGiven", false, true},
        {"RequireAndVerifyClientCert", true, true},
    };

    for (size_t i = 0; i < BARO_COUNT_OF(types); i++) {
        if (strcmp(value, types[i].name) == 0) {
            config->client_must_show = types[i].must_show;
            config->client_is_verified = types[i].is_verified;
            return BARO_OK;
        }
    }
    return BARO_BAD_ARGUMENT;
}

static int set_tls(struct baro_web_config *config, const char *directory, const struct line *line)
{
    if (strcmp(line->key, "cert_file") == 0) {
        return set_path(&config->cert_file, directory, line->value);
    }
    if (strcmp(line->key, "key_file") == 0) {
        return set_path(&config->key_file, directory, line->value);
    }
    if (strcmp(line->key, "client_ca_file") == 0 || strcmp(line->key, "client_ca") == 0) {
        return set_path(&config->client_ca_file, directory, line->value);
    }
    if (strcmp(line->key, "client_auth_type") == 0) {
        return set_client_auth(config, line->value);
    }
    /* TLS 1.2 is the least that is offered, as by Prometheus. */
    if (strcmp(line->key, "min_version") == 0 && strcmp(line->value, "TLS12") == 0) {
        return BARO_OK;
    }
    return BARO_BAD_ARGUMENT;
}

static int add_user(struct baro_web_config *config, const struct line *line)
{
    struct baro_pair *users;

    if (line->value[0] != '$' || line->key[0] == '\0' || config->user_count == USERS_MAX) {
        return BARO_BAD_ARGUMENT;
    }
    users = realloc(config->users, (config->user_count + 1) * sizeof(*users));
    if (users == NULL) {
        return BARO_NO_MEMORY;
    }
    config->users = users;
    users += config->user_count++;
    users->name = baro_text_copy(line->key);
    users->value = baro_text_copy(line->value);
    return users->name == NULL || users->value == NULL ? BARO_NO_MEMORY : BARO_OK;
}

enum section { SECTION_NONE, SECTION_TLS, SECTION_HTTP, SECTION_USERS, SECTION_OTHER };

static enum section section_of(const char *name)
{
    return strcmp(name, "tls_server_config") == 0    ? SECTION_TLS
           : strcmp(name, "http_server_config") == 0 ? SECTION_HTTP
           : strcmp(name, "basic_auth_users") == 0   ? SECTION_USERS
                                                     : SECTION_OTHER;
}

/* HTTP/2 is not spoken here, so whether it may be is no matter. */
static int set_in(struct baro_web_config *config, enum section section, const char *directory,
                  const struct line *line)
{
    if (section == SECTION_TLS) {
        return set_tls(config, directory, line);
    }
    if (section == SECTION_USERS) {
        return add_user(config, line);
    }
    return section == SECTION_HTTP && strcmp(line->key, "http2") == 0 ? BARO_OK : BARO_BAD_ARGUMENT;
}

static int config_check(const struct baro_web_config *config, struct baro_why *why)
{
    if ((config->cert_file == NULL) != (config->key_file == NULL)) {
        return baro_fail(why, BARO_BAD_ARGUMENT,
                         "web config: tls_server_config: cert_file and key_file go together");
    }
    if (config->client_is_verified && config->client_ca_file == NULL) {
        return baro_fail(why, BARO_BAD_ARGUMENT,
                         "web config: client_auth_type: verifying needs client_ca_file");
    }
    if (config->cert_file == NULL && (config->client_ca_file != NULL || config->client_must_show)) {
        return baro_fail(why, BARO_BAD_ARGUMENT,
                         "web config: client certificates need cert_file and key_file");
    }
#ifndef BARO_WITH_CRYPT
    if (config->user_count > 0) {
        return baro_fail(why, BARO_UNSUPPORTED,
                         "web config: basic_auth_users: this build is without BARO_WITH_CRYPT");
    }
#endif
    return BARO_OK;
}

int baro_web_config_parse(const char *text, const char *directory, struct baro_web_config *ret,
                          struct baro_why *why)
{
    struct baro_web_config config;
    struct line line = {0, 0, NULL, NULL};
    enum section section = SECTION_NONE;
    size_t indent = 0;
    char *copy = baro_text_copy(text);
    char *at = copy;
    int more;
    int result = copy == NULL ? BARO_NO_MEMORY : BARO_OK;

    memset(&config, 0, sizeof(config));
    while (result == BARO_OK && (more = line_next(&at, &line)) != 0) {
        if (more < 0) {
            result = BARO_BAD_ARGUMENT;
        } else if (line.indent == 0) {
            section = section_of(line.key);
            indent = 0;
            result =
                line.value[0] != '\0' || section == SECTION_OTHER ? BARO_BAD_ARGUMENT : BARO_OK;
        } else {
            result = indent != 0 && line.indent != indent
                         ? BARO_BAD_ARGUMENT
                         : set_in(&config, section, directory, &line);
            indent = line.indent;
        }
    }
    if (result < 0) {
        (void)baro_fail(why, result, "web config: line %d: not a setting that is known here",
                        line.number);
    } else {
        result = config_check(&config, why);
    }
    free(copy);
    if (result < 0) {
        baro_web_config_done(&config);
        return result;
    }
    *ret = config;
    return BARO_OK;
}

static char *file_text(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(FILE_BYTES_MAX + 1);
    size_t size = 0;
    ssize_t n = 1;

    while (text != NULL && n > 0 && size < FILE_BYTES_MAX) {
        n = read(fd, text + size, FILE_BYTES_MAX - size);
        size += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (text == NULL || n != 0) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

int baro_web_config_read(const char *path, struct baro_web_config *ret, struct baro_why *why)
{
    char *text = file_text(path);
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? baro_text_copy("") : strndup(path, (size_t)(slash - path));
    int result;

    if (text == NULL || directory == NULL) {
        result =
            baro_fail(why, BARO_IO, "web config %.150s: cannot be read, or has over 64 KiB", path);
    } else {
        result = baro_web_config_parse(text, directory, ret, why);
    }
    free(text);
    free(directory);
    return result;
}

void baro_web_config_done(struct baro_web_config *config)
{
    free(config->cert_file);
    free(config->key_file);
    free(config->client_ca_file);
    for (size_t i = 0; i < config->user_count; i++) {
        free((char *)(uintptr_t)config->users[i].name);
        free((char *)(uintptr_t)config->users[i].value);
    }
    free(config->users);
    free(config->allowed);
    memset(config, 0, sizeof(*config));
}

/* ---- Basic authentication
 * ----------------------------------------------------------------------------- */

/* Compares without telling by its time how far two texts agree. */
static bool texts_are_equal(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    unsigned char differ = a_size != b_size;

    for (size_t i = 0; i < a_size && b_size > 0; i++) {
        differ |= (unsigned char)(a[i] ^ b[i % b_size]);
    }
    return differ == 0;
}

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool baro_base64_decode(const char *text, char *ret, size_t size)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t used = 0;

    for (; *text != '\0' && *text != '='; text++) {
        int digit = base64_digit(*text);

        if (digit < 0 || used + 1 >= size) {
            return false;
        }
        bits = (bits << 6) | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            ret[used++] = (char)(bits >> have);
            if (ret[used - 1] == '\0') {
                return false;
            }
        }
    }
    ret[used] = '\0';
    return text[strspn(text, "=")] == '\0';
}

#ifdef BARO_WITH_CRYPT
/* The 32 KiB that crypt_r works in are not for the stack of a stranger's thread. */
static bool password_is(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *made = data == NULL ? NULL : crypt_r(password, hash, data);
    bool same = made != NULL && made[0] != '*' && texts_are_equal(made, hash);

    free(data);
    return same;
}
#else
static bool password_is(const char *password, const char *hash)
{
    (void)password, (void)hash;
    return false;
}
#endif

/* An unknown user costs as much time as a known one: some hash is always worked out. */
static bool credentials_are(const struct baro_web_config *config, char *credentials)
{
    char *colon = strchr(credentials, ':');
    const struct baro_pair *user = &config->users[0];
    bool is_known = false;

    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    for (size_t i = 0; i < config->user_count; i++) {
        if (strcmp(config->users[i].name, credentials) == 0) {
            user = &config->users[i];
            is_known = true;
        }
    }
    return password_is(colon + 1, user->value) && is_known;
}

bool baro_web_config_allows(struct baro_web_config *config, const char *authorization)
{
    char credentials[CREDENTIAL_BYTES_MAX];
    bool ok;

    if (config->user_count == 0) {
        return true;
    }
    if (authorization == NULL || strncmp(authorization, "Basic ", 6) != 0) {
        return false;
    }
    if (config->allowed != NULL && texts_are_equal(config->allowed, authorization)) {
        return true;
    }
    ok = baro_base64_decode(authorization + 6, credentials, sizeof(credentials)) &&
         credentials_are(config, credentials);
    if (ok) {
        free(config->allowed);
        config->allowed = baro_text_copy(authorization);
    }
    return ok;
}
