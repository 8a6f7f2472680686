#include "http/client_curl.h"

#include <curl/curl.h>

#include "base/attr.h"
#include "base/mem.h"
#include "conf/prom_config.h"

static void tls_file(CURL *easy, CURLoption option, CURLoption proxy_option, str file, int text)
{
    char *name = client_texts_name(text, file);

    if (name != NULL) {
        (void)curl_easy_setopt(easy, option, name);
        (void)curl_easy_setopt(easy, proxy_option, name);
    }
    (void)mem_free(name);
}

static void tls_verify(CURL *easy, bool is_checked)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_checked ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_checked ? 2L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, is_checked ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, is_checked ? 2L : 0L);
}

void client_tls_apply(void *easy, const struct prom_tls *tls, const struct client_texts *texts)
{
    static const long least[] = {CURL_SSLVERSION_DEFAULT, CURL_SSLVERSION_TLSv1_0,
                                 CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
                                 CURL_SSLVERSION_TLSv1_3};
    static const long most[] = {CURL_SSLVERSION_MAX_DEFAULT, CURL_SSLVERSION_MAX_TLSv1_0,
                                CURL_SSLVERSION_MAX_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_2,
                                CURL_SSLVERSION_MAX_TLSv1_3};
    long versions = CURL_SSLVERSION_TLSv1_2;

    if (tls != NULL) {
        if (tls->ca_file.len > 0 || texts->ca >= 0) {
            /* libcurl would go on to trust the system's authorities beside these. */
            (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
            (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
        }
        tls_file(easy, CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO, tls->ca_file, texts->ca);
        tls_file(easy, CURLOPT_SSLCERT, CURLOPT_PROXY_SSLCERT, tls->cert_file, texts->cert);
        tls_file(easy, CURLOPT_SSLKEY, CURLOPT_PROXY_SSLKEY, tls->key_file, texts->key);
        tls_verify(easy, !tls->insecure_skip_verify);
        versions =
            (tls->min_version.len == 0 ? versions : least[client_tls_version(tls->min_version)]) |
            most[client_tls_version(tls->max_version)];
    }
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, versions);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, versions);
}

void client_way_apply(void *easy, struct client_way way, struct curl_slist *headers)
{
    /* An empty text turns off what the environment says; an unset one would be looked up there. */
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, way.proxy != NULL ? way.proxy : "");
    (void)curl_easy_setopt(easy, CURLOPT_PROXYPORT, (long)way.port);
    (void)curl_easy_setopt(easy, CURLOPT_PROXYHEADER, way.is_tunnel ? headers : NULL);
}

char *client_url_join(const char *from, str location)
{
    CURLU *url = curl_url();
    char *relative = str_dup_c(location);
    char *text = NULL;
    char *joined = NULL;

    if (from != NULL && curl_url_set(url, CURLUPART_URL, from, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, relative, CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK) {
        joined = str_dup_c(str_from(text));
    }
    curl_free(text);
    curl_url_cleanup(url);
    (void)mem_free(relative);
    return joined;
}
