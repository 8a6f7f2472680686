#include "conf/prom_config.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "conf/prom_check.h"
#include "conf/prom_config_file.h"
#include "testing/test.h"

static const char *fake_env(UNUSED void *context, const char *name)
{
    return strcmp(name, "ZONE") == 0 ? "eu-1" : NULL;
}

static const struct prom_load_options with_env = {.getenv = fake_env};

static struct prom_config *load(const char *text)
{
    static struct faults faults;
    struct prom_config *config = NULL;

    faults = (struct faults){0};
    int r = prom_config_parse(str_from(text), "dir/prometheus.yml", &with_env, &config, &faults);
    assert_ok(r, &faults.items[0]);
    return config;
}

TEST(prom_config_defaults)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config = load("scrape_configs: [{job_name: a}]");
    const struct prom_global *global = prom_config_global(config);
    const struct prom_scrape *scrape = prom_config_scrape(config, STR("a"));

    assert_int_equal(global->scrape_interval, DUR_MINUTE);
    assert_int_equal(global->scrape_timeout, 10 * DUR_SECOND);
    assert_int_equal(global->evaluation_interval, DUR_MINUTE);
    assert_non_null(scrape);
    assert_str_equal(scrape->metrics_path, STR("/metrics"));
    assert_str_equal(scrape->scheme, STR("http"));
    assert_true(scrape->honor_timestamps);
    assert_true(scrape->enable_compression);
    assert_true(scrape->http->follow_redirects);
    assert_true(scrape->http->enable_http2);
    assert_null(scrape->http->tls);
    assert_int_equal(scrape->scrape_protocols.count, 4);
    assert_int_equal(scrape->scrape_protocols.items[0], PROM_PROTOCOL_OPENMETRICS_1_0_0);
    assert_int_equal(scrape->scrape_native_histograms, CONF_OFF);
    assert_int_equal(scrape->metric_name_escaping_scheme, PROM_ESCAPING_ALLOW_UTF8);
    assert_int_equal(scrape->place.line, 1);
    assert_int_equal(prom_config_storage(config)->max_exemplars, 100000);
    assert_null(prom_config_scrape(config, STR("b")));
}

TEST(prom_config_empty_files_have_defaults)
{
    static const char *const texts[] = {"", "# nothing", "global:\n", "scrape_configs:\n"};

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;

        test_row(texts[i]);
        config = load(texts[i]);
        assert_int_equal(prom_config_global(config)->scrape_interval, DUR_MINUTE);
        assert_int_equal(prom_config_scrapes(config).count, 0);
    }
    test_row(NULL);
}

TEST(prom_config_inherits_from_global)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config =
        load("global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1MB,\n"
             "  metric_name_validation_scheme: legacy, always_scrape_classic_histograms: true}\n"
             "scrape_configs:\n"
             "- job_name: a\n"
             "- {job_name: b, scrape_interval: 1m, scrape_timeout: 20s, sample_limit: 9,\n"
             "   always_scrape_classic_histograms: false}\n");
    const struct prom_scrape *a = prom_config_scrape(config, STR("a"));
    const struct prom_scrape *b = prom_config_scrape(config, STR("b"));

    assert_int_equal(a->scrape_interval, 5000);
    assert_int_equal(a->scrape_timeout, 5000);
    assert_int_equal(a->sample_limit, 7);
    assert_int_equal(a->body_size_limit, 1 << 20);
    assert_int_equal(a->metric_name_validation_scheme, PROM_VALIDATION_LEGACY);
    assert_int_equal(a->metric_name_escaping_scheme, PROM_ESCAPING_UNDERSCORES);
    assert_int_equal(a->always_scrape_classic_histograms, CONF_ON);
    assert_int_equal(b->scrape_interval, 60000);
    assert_int_equal(b->scrape_timeout, 20000);
    assert_int_equal(b->sample_limit, 9);
    assert_int_equal(b->always_scrape_classic_histograms, CONF_OFF);
}

TEST(prom_config_external_labels_expand)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config =
        load("global:\n  external_labels: {a: '${ZONE}', b: x$ZONE-y, c: '$$5', d: '${NO}',\n"
             "    e: '100%', f: 'end$'}\n");
    struct conf_pairs labels = prom_config_global(config)->external_labels;
    static const char *const want[] = {"eu-1", "xeu-1-y", "$5", "", "100%", "end$"};

    assert_int_equal(labels.count, ARRAY_COUNT(want));
    for (size_t i = 0; i < labels.count; i++) {
        assert_str_equal(labels.items[i].value, str_from(want[i]));
    }
}

TEST(prom_config_sources_and_paths)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config =
        load("scrape_configs:\n"
             "- job_name: a\n"
             "  static_configs: [{targets: [x:1, y:2], labels: {k: v}}, {targets: [z:3]}]\n"
             "  file_sd_configs: [{files: [t/*.json, /abs/t.yml, ../u.yaml]}]\n"
             "  dns_sd_configs: [{names: [n], type: aaaa, port: 80}]\n"
             "  http_sd_configs: [{url: 'http://h/x', bearer_token: tok}]\n"
             "  authorization: {credentials_file: secret}\n"
             "  tls_config: {cert_file: c.pem, key_file: k.pem}\n"
             "  http_headers: {x-y: {values: [v], secrets: [s], files: [f]}}\n");
    const struct prom_scrape *a = prom_config_scrape(config, STR("a"));

    assert_int_equal(a->sds.count, 4);
    assert_int_equal(a->sds.items[0].kind, PROM_SD_DNS);
    assert_int_equal(a->sds.items[0].dns->type, PROM_DNS_AAAA);
    assert_int_equal(a->sds.items[0].dns->refresh_interval, 30000);
    assert_int_equal(a->sds.items[1].kind, PROM_SD_FILE);
    assert_str_equal(a->sds.items[1].file->files.items[0], STR("dir/t/*.json"));
    assert_str_equal(a->sds.items[1].file->files.items[1], STR("/abs/t.yml"));
    assert_str_equal(a->sds.items[1].file->files.items[2], STR("u.yaml"));
    assert_int_equal(a->sds.items[2].kind, PROM_SD_HTTP);
    assert_str_equal(secret_reveal(a->sds.items[2].http->http->authorization->credentials),
                     STR("tok"));
    assert_int_equal(a->sds.items[3].kind, PROM_SD_STATIC);
    assert_int_equal(a->sds.items[3].targets.group_count, 2);
    assert_str_equal(a->sds.items[3].targets.groups[0]->targets.items[1], STR("y:2"));
    assert_str_equal(a->sds.items[3].targets.groups[0]->labels.items[0].value, STR("v"));
    assert_str_equal(a->http->authorization->credentials_file, STR("dir/secret"));
    assert_str_equal(a->http->authorization->type, STR("Bearer"));
    assert_str_equal(a->http->tls->cert_file, STR("dir/c.pem"));
    assert_str_equal(a->http->http_headers->items[0].files.items[0], STR("dir/f"));
}

TEST(prom_config_relabel_defaults)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config =
        load("scrape_configs:\n- job_name: a\n  relabel_configs:\n"
             "  - {target_label: x}\n  - {action: KEEP, source_labels: [a, b], regex: 1}\n");
    const struct prom_relabels rules = prom_config_scrape(config, STR("a"))->relabel_configs;

    assert_int_equal(rules.count, 2);
    assert_int_equal(rules.items[0]->action, PROM_RELABEL_REPLACE);
    assert_str_equal(rules.items[0]->separator, STR(";"));
    assert_str_equal(rules.items[0]->regex, STR("(.*)"));
    assert_str_equal(rules.items[0]->replacement, STR("$1"));
    assert_int_equal(rules.items[1]->action, PROM_RELABEL_KEEP);
    assert_str_equal(rules.items[1]->regex, STR("1"));
    assert_int_equal(rules.items[1]->place.line, 5);
}

#define QUEUE "remote_write: [{url: http://x, queue_config: {"
#define JOB   "scrape_configs:\n- job_name: a\n"

static const struct {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *want;
} refusals[] = {
    {"a: [", 2, 1, "did not find expected node content"},
    {"- a\n", 1, 1, "cannot unmarshal !!seq into the configuration"},
    {"global: 3\n", 1, 9, "cannot unmarshal !!int `3` into global"},
    {"global:\n  scrape_intervall: 3s\n", 2, 3, "did you mean 'scrape_interval'?"},
    {"global:\n  zzz: 3s\n", 2, 3, "field zzz not found in type global"},
    {"global:\n  scrape_interval: 3\n", 2, 20, "not a valid duration string: \"3\""},
    {"global:\n  scrape_interval: [3s]\n", 2, 20, "cannot unmarshal !!seq into string"},
    {"global:\n  sample_limit: -1\n", 2, 17, "cannot unmarshal !!int `-1` into uint"},
    {"global:\n  sample_limit: x\n", 2, 17, "cannot unmarshal !!str `x` into uint"},
    {"global:\n  body_size_limit: 5XB\n", 2, 20, "units: unknown unit XB in 5XB"},
    {"global:\n  body_size_limit: MB\n", 2, 20, "units: invalid MB"},
    {"global:\n  scrape_interval: 1s\n  scrape_timeout: 2s\n", 3, 19,
     "global scrape timeout greater than scrape interval"},
    {"global:\n  metric_name_validation_scheme: legacy\n  external_labels: {a.b: c}\n", 3, 21,
     "\"a.b\" is not a valid label name"},
    {"global:\n  external_labels: {a: !!binary /w==}\n", 2, 24,
     "\"\\xff\" is not a valid label value"},
    {"global:\n  external_labels: {!!binary /w==: a}\n", 2, 21,
     "\"\\xff\" is not a valid label name"},
    {"global:\n  scrape_interval: 3x\n", 2, 20, "unknown unit \"x\" in duration \"3x\""},
    {QUEUE "capacity: 0}}]\n", 1, 57, "remote write queue capacity must be positive"},
    {QUEUE "min_shards: 0}}]\n", 1, 59, "remote write queue min_shards must be positive"},
    {QUEUE "max_shards: 0}}]\n", 1, 59, "remote write queue max_shards must be positive"},
    {QUEUE "max_samples_per_send: 0}}]\n", 1, 69, "max_samples_per_send must be positive"},
    {QUEUE "min_shards: 51}}]\n", 1, 59, "min_shards must not be greater than max_shards"},
    {"global:\n  external_labels: {null: b}\n", 2, 20, "\"\" is not a valid label name"},
    {"rule_files: [a/*/b]\n", 1, 14, "invalid rule file path \"a/*/b\""},
    {JOB "- job_name: a\n", 3, 13, "found multiple scrape configs with job name \"a\""},
    {JOB "  honor_labels: 1\n", 3, 17, "cannot unmarshal !!int `1` into bool"},
    {JOB "  scrape_protocols: []\n", 3, 21, "scrape_protocols cannot be empty"},
    {JOB "  scrape_protocols: [PrometheusProto, prometheusproto]\n", 3, 39,
     "duplicated protocol in scrape_protocols, got [PrometheusProto prometheusproto] for "},
    {JOB "  metric_name_escaping_scheme: x\n", 3, 32, "unknown scrape config name escaping"},
    {JOB "  static_configs: [{targets: ['http://x']}]\n", 3, 20,
     "\"http://x\" is not a valid hostname"},
    {JOB "  file_sd_configs: [{files: [a.txt]}]\n", 3, 30,
     "path name \"a.txt\" is not valid for file discovery"},
    {JOB "  file_sd_configs: [{}]\n", 3, 21, "must contain at least one path name"},
    {JOB "  dns_sd_configs: [{names: [a], type: A}]\n", 3, 39, "a port is required in DNS-SD"},
    {JOB "  dns_sd_configs: [{names: [a], type: TXT}]\n", 3, 39, "invalid DNS-SD records type TXT"},
    {JOB "  http_sd_configs: [{url: ':x'}]\n", 3, 27, "missing protocol scheme"},
    {JOB "  relabel_configs: [{action: x}]\n", 3, 30, "unknown relabel action \"x\""},
    {JOB "  relabel_configs: [{action: hashmod, target_label: a}]\n", 3, 21,
     "hashmod requires non-zero modulus"},
    {JOB "  metric_name_validation_scheme: legacy\n"
         "  relabel_configs: [{target_label: a.b}]\n",
     4, 36, "\"a.b\" is invalid 'target_label' for replace action"},
    {JOB "  metric_name_validation_scheme: legacy\n"
         "  relabel_configs: [{action: labelmap, replacement: '${1'}]\n",
     4, 53, "\"${1\" is invalid 'replacement' for labelmap action"},
    {JOB "  http_headers: {Host: {values: [a]}}\n", 3, 18,
     "setting header \"Host\" is not allowed"},
    {JOB "  tls_config: {cert_file: a}\n", 3, 15, "exactly one of key or key_file"},
    {JOB "  tls_config: {min_version: SSL3}\n", 3, 29, "unknown TLS version: SSL3"},
    {JOB "  basic_auth: {username: a, username_file: b}\n", 3, 15,
     "at most one of basic_auth username, username_file & username_ref"},
    {JOB "  authorization: {type: Basic}\n", 3, 18, "cannot be set to \"basic\""},
    {JOB "  oauth2: {client_id: a}\n", 3, 11, "oauth2 token_url must be configured"},
    {JOB "  no_proxy: a\n", 3, 13, "if no_proxy is configured, proxy_url must also"},
    {JOB "  proxy_from_environment: true\n  proxy_url: http://p\n", 4, 14,
     "if proxy_from_environment is configured, proxy_url must not be configured"},
    {JOB "  proxy_from_environment: true\n  no_proxy: a\n", 4, 13,
     "if proxy_from_environment is configured, no_proxy must not be configured"},
    {JOB "  proxy_connect_header: {a: [b]}\n", 3, 25,
     "proxy_url or proxy_from_environment must also be configured"},
};

TEST(prom_config_refusals)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        static struct faults faults;
        struct prom_config *config = NULL;

        test_row(refusals[i].text);
        faults = (struct faults){0};
        assert_true(prom_config_parse(str_from(refusals[i].text), "p.yml", NULL, &config, &faults) <
                    0);
        assert_null(config);
        assert_int_equal(faults.total, 1);
        if (strstr(faults.items[0].message, refusals[i].want) == NULL) {
            assert_string_equal(faults.items[0].message, refusals[i].want);
        }
        assert_string_equal(faults.items[0].input, "p.yml");
        assert_int_equal(faults.items[0].line, refusals[i].line);
        if (refusals[i].column > 0) {
            assert_int_equal(faults.items[0].column, refusals[i].column);
        }
    }
    test_row(NULL);
}

static int no_backslash(str selector, struct baro_error *err)
{
    return str_index_char(selector, '\\') == SIZE_MAX
               ? 0
               : error_set(err, BARO_EPARSE, "a backslash stands in it");
}

TEST(prom_config_reads_retention_rules)
{
    static const struct {
        const char *text;
        const char *fault; /* NULL = good */
        uint32_t line, column;
    } cases[] = {
        {"storage:\n  retention_rules:\n  - {match: '{job=\"a\"}', retention: 7d}\n"
         "  - {match: up, retention: 2y}\n",
         NULL, 0, 0},
        {"storage:\n  retention_rules:\n  - {retention: 7d}\n", "wants a 'match'", 3, 5},
        {"storage:\n  retention_rules:\n  - {match: up}\n", "wants a 'retention' above 0", 3, 5},
        {"storage:\n  retention_rules:\n  - {match: 'a\\b', retention: 1d}\n",
         "\"a\\b\" is no selector: a backslash stands in it", 3, 13},
        {"storage:\n  retention_rules:\n  - {match: up, retention: 1d, keep: 1d}\n",
         "field keep not found", 3, 32},
        {"storage:\n  retention_rules:\n  -\n", "empty or null retention rule", 3, 4},
    };
    const struct prom_load_options options = {.check_selector = no_backslash};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
        static struct faults faults;
        int r;

        test_row(cases[i].text);
        faults = (struct faults){0};
        r = prom_config_parse(str_from(cases[i].text), "p.yml", &options, &config, &faults);
        if (cases[i].fault == NULL) {
            struct prom_retention_rules rules;

            assert_ok(r, &faults.items[0]);
            rules = prom_config_storage(config)->retention_rules;
            assert_int_equal(rules.count, 2);
            assert_str_equal(rules.items[0]->match, STR("{job=\"a\"}"));
            assert_int_equal(rules.items[0]->retention, 7 * (dur)DUR_DAY);
            assert_int_equal(rules.items[1]->place.line, 4);
            continue;
        }
        assert_int_equal(r, BARO_EPARSE);
        assert_int_equal(faults.total, 1);
        if (strstr(faults.items[0].message, cases[i].fault) == NULL) {
            assert_string_equal(faults.items[0].message, cases[i].fault);
        }
        assert_int_equal(faults.items[0].line, cases[i].line);
        assert_int_equal(faults.items[0].column, cases[i].column);
    }
    test_row(NULL);
}

TEST(prom_config_collects_faults)
{
    static struct faults faults;
    struct prom_config *config = NULL;
    struct buf text = {0};

    buf_c(&text, "scrape_configs:\n");
    for (int i = 0; i < 30; i++) {
        buf_printf(&text, "- {job_name: j%d, scrape_timeout: 2m, wrong: 1}\n", i);
    }
    assert_int_equal(prom_config_parse(buf_view(&text), "p.yml", NULL, &config, &faults),
                     BARO_EPARSE);
    assert_int_equal(faults.count, FAULTS_MAX);
    assert_int_equal(faults.total, 60);
    buf_done(&text);
}

TEST(prom_config_notes_what_is_not_supported)
{
    static const struct {
        const char *text;
        const char *what; /* NULL = supported */
        uint32_t line;
    } cases[] = {
        {"rule_files: []\n", NULL, 0},
        {"rule_files: [a.yml]\n", NULL, 0},
        {"alerting: {alertmanagers: []}\n", NULL, 0},
        {"alerting: {alertmanagers: [{static_configs: [{targets: [a:1]}]}]}\n", NULL, 0},
        {"alerting: {alertmanagers: [{sigv4: {region: a}}]}\n", "'sigv4' is not supported yet", 1},
        {"alerting: {alertmanagers: [{kubernetes_sd_configs: [{role: pod}]}]}\n",
         "'kubernetes_sd_configs' is not supported yet", 1},
        {"remote_write: [{url: http://x}]\n", NULL, 0},
        {"remote_write: [{url: http://x, sigv4: {region: a}}]\n", "'sigv4' is not supported yet",
         1},
        {"remote_write: [{url: http://x, azuread: {sdk: {tenant_id: a}}}]\n",
         "'azuread' is not supported yet", 1},
        {"remote_write: [{url: http://x, google_iam: {credentials_file: a}}]\n",
         "'google_iam' is not supported yet", 1},
        {"remote_read: [{url: http://x}]\n", NULL, 0},
        {"otlp:\n", NULL, 0},
        {"storage: {tsdb: {retention: {time: 1d}}}\n", NULL, 0},
        {"storage: {tsdb: {out_of_order_time_window: 1m}}\n", NULL, 0},
        {"storage: {tsdb: {chunk_encoding: {floats: xor2}}}\n", NULL, 0},
        {"runtime: {gogc: 10}\n", NULL, 0},
        {JOB "  oauth2: {client_id: a, token_url: b, iss: c, claims: {d: [1, {e: f}]}}\n", NULL, 0},
        {JOB "  oauth2: {client_id: a, token_url: b, client_secret_ref: c}\n",
         "'client_secret_ref' is not supported yet", 3},
        {JOB "  proxy_url: http://p\n  no_proxy: a\n", NULL, 0},
        {JOB "  proxy_url: http://p\n  proxy_connect_header: {a: [b]}\n", NULL, 0},
        {JOB "  proxy_from_environment: true\n  proxy_connect_header: {a: [b]}\n", NULL, 0},
        {JOB "  scrape_native_histograms: true\n", NULL, 0},
        {JOB "  convert_classic_histograms_to_nhcb: true\n", NULL, 0},
        {JOB "  scrape_native_histograms: false\n", NULL, 0},
        {JOB "  scrape_protocols: [PrometheusProto]\n", NULL, 0},
        {JOB "  fallback_scrape_protocol: PrometheusProto\n", NULL, 0},
        {JOB "  scrape_protocols: [PrometheusProto, PrometheusText0.0.4]\n", NULL, 0},
        {JOB "  kubernetes_sd_configs: [{role: pod}]\n",
         "'kubernetes_sd_configs' is not supported yet", 3},
        {JOB "  kubernetes_sd_configs: []\n", NULL, 0},
        {JOB "  static_configs: [{targets: [a:1]}]\n", NULL, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
        size_t count = 99;

        test_row(cases[i].text);
        config = load(cases[i].text);
        const struct baro_error *notes = prom_config_unsupported(config, &count);
        assert_int_equal(count, cases[i].what != NULL);
        if (count == 1) {
            assert_string_equal(notes[0].message, cases[i].what);
            assert_string_equal(notes[0].input, "dir/prometheus.yml");
            assert_int_equal(notes[0].line, cases[i].line);
            assert_int_equal(notes[0].code, BARO_EUNSUPPORTED);
        }
    }
    test_row(NULL);
}

static void print(const struct prom_config *config, struct buf *buf)
{
    prom_config_print(config, buf);
    assert_false(buf->failed);
}

TEST(prom_config_prints_as_prometheus)
{
    static const char want[] = "global:\n"
                               "  scrape_interval: 15s\n"
                               "  scrape_timeout: 10s\n"
                               "  evaluation_interval: 1m\n"
                               "  external_labels:\n"
                               "    a: eu-1\n"
                               "  metric_name_validation_scheme: utf8\n"
                               "  scrape_native_histograms: false\n"
                               "runtime:\n"
                               "  gogc: 75\n"
                               "scrape_configs:\n"
                               "- job_name: a\n"
                               "  honor_timestamps: true\n"
                               "  track_timestamps_staleness: false\n"
                               "  params:\n"
                               "    m:\n"
                               "    - x\n"
                               "  scrape_interval: 15s\n"
                               "  scrape_timeout: 10s\n"
                               "  scrape_protocols:\n"
                               "  - PrometheusText0.0.4\n"
                               "  scrape_native_histograms: false\n"
                               "  always_scrape_classic_histograms: false\n"
                               "  convert_classic_histograms_to_nhcb: false\n"
                               "  metrics_path: /metrics\n"
                               "  scheme: http\n"
                               "  enable_compression: true\n"
                               "  body_size_limit: 1MiB512KiB\n"
                               "  metric_name_validation_scheme: utf8\n"
                               "  metric_name_escaping_scheme: allow-utf-8\n"
                               "  extra_scrape_metrics: false\n"
                               "  basic_auth:\n"
                               "    username: u\n"
                               "    password: <secret>\n"
                               "  follow_redirects: true\n"
                               "  enable_http2: true\n"
                               "  relabel_configs:\n"
                               "  - source_labels: [b, c]\n"
                               "    separator: ;\n"
                               "    regex: x.*\n"
                               "    target_label: t\n"
                               "    replacement: $1\n"
                               "    action: replace\n"
                               "  static_configs:\n"
                               "  - targets:\n"
                               "    - x:1\n"
                               "    labels:\n"
                               "      \"yes\": \"12\"\n"
                               "otlp:\n"
                               "  translation_strategy: UnderscoreEscapingWithSuffixes\n"
                               "  label_name_underscore_sanitization: true\n"
                               "  label_name_preserve_multiple_underscores: true\n";
    CLEANUP(prom_config_unrefp)
    struct prom_config *config =
        load("global: {scrape_interval: 15s, external_labels: {a: $ZONE}}\n"
             "scrape_configs:\n"
             "- job_name: a\n"
             "  params: {m: [x]}\n"
             "  scrape_protocols: [PrometheusText0.0.4]\n"
             "  body_size_limit: 1.5MB\n"
             "  basic_auth: {username: u, password: hidden}\n"
             "  relabel_configs: [{source_labels: [b, c], regex: x.*, target_label: t}]\n"
             "  static_configs: [{targets: [x:1], labels: {'yes': 12}}]\n");
    struct buf buf = {0};

    print(config, &buf);
    assert_str_equal(buf_view(&buf), str_from(want));
    buf_done(&buf);
}

/* What is printed reads back as the same, but for the secrets. */
TEST(prom_config_print_reads_back)
{
    static const char text[] =
        "global: {scrape_interval: 15s}\n"
        "scrape_configs:\n"
        "- job_name: 'a: #b'\n"
        "  metric_relabel_configs:\n"
        "  - {source_labels: [__name__], separator: \"\\t\", regex: '- x ', action: drop}\n"
        "  - {target_label: z, regex: , replacement: \"two\\nlines\\n\"}\n"
        "  consul_sd_configs: [{server: 'x:1', tags: [a, b], node_meta: {k: v}}]\n"
        "  kubernetes_sd_configs: [{role: node, selectors: [{role: node, label: 'a=b'}]}]\n"
        "remote_write:\n- {url: 'http://u:pw@h/p', queue_config: {capacity: 5}}\n"
        "storage: {tsdb: {retention: {size: 1GB, percentage: 0.5}}, exemplars: {max_exemplars: "
        "3}}\n"
        "tracing: {endpoint: 'h:1', headers: {a: b}}\n";
    struct buf first = {0};
    struct buf second = {0};

    struct prom_config *config = load(text);
    print(config, &first);
    assert_false(str_contains(buf_view(&first), STR("pw@")));
    config = prom_config_unref(config);
    buf_char(&first, '\0');
    config = load(first.ptr);
    first.len--;
    print(config, &second);
    config = prom_config_unref(config);
    assert_str_equal(buf_view(&second), buf_view(&first));
    buf_done(&first);
    buf_done(&second);
}

TEST(prom_config_counts_references)
{
    struct prom_config *config = load("");
    struct prom_config *other = prom_config_ref(config);

    assert_ptr_equal(config, other);
    assert_null(prom_config_unref(config));
    assert_string_equal(prom_config_path(other), "dir/prometheus.yml");
    assert_null(prom_config_unref(other));
    assert_null(prom_config_unref(NULL));
}

TEST(prom_config_load_reports_missing_files)
{
    static struct faults faults;
    struct prom_config *config = NULL;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/none.yml", test_dir());
    assert_int_equal(prom_config_load(path, NULL, &config, &faults), -2);
    assert_int_equal(faults.count, 1);
    assert_int_equal(prom_config_load(test_dir(), NULL, &config, &faults), -21);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

TEST(prom_config_reads_scrape_config_files)
{
    static struct faults faults;
    const char *dir = test_dir();
    struct prom_config *config = NULL;
    char path[512];

    write_file(dir, "main.yml",
               "global: {scrape_interval: 7s}\nscrape_config_files: ['j*.yml']\n"
               "scrape_configs: [{job_name: first}]\n");
    write_file(dir, "j2.yml", "scrape_configs: [{job_name: third}]\n");
    write_file(dir, "j1.yml", "scrape_configs: [{job_name: second, sample_limit: 3}]\n");
    (void)snprintf(path, sizeof(path), "%s/main.yml", dir);
    assert_ok(prom_config_load(path, NULL, &config, &faults), &faults.items[0]);
    struct prom_scrapes scrapes = prom_config_scrapes(config);
    assert_int_equal(scrapes.count, 3);
    assert_str_equal(scrapes.items[0]->job_name, STR("first"));
    assert_str_equal(scrapes.items[1]->job_name, STR("second"));
    assert_str_equal(scrapes.items[2]->job_name, STR("third"));
    assert_int_equal(scrapes.items[1]->scrape_interval, 7000);
    assert_non_null(strstr(scrapes.items[1]->place.file, "/j1.yml"));
    config = prom_config_unref(config);

    write_file(dir, "j3.yml", "scrape_configs:\n- job_name: third\n- job_nam: x\n");
    assert_int_equal(prom_config_load(path, NULL, &config, &faults), BARO_EPARSE);
    assert_non_null(strstr(faults.items[0].input, "/j3.yml"));
}

TEST(prom_check_statuses)
{
    const char *dir = test_dir();
    struct buf out = {0};
    char path[512];
    static const struct {
        const char *text;
        struct prom_check_options options;
        int want;
        const char *says;
    } cases[] = {
        {"scrape_configs: []\n", {0}, PROM_CHECK_OK, ": valid\n"},
        {"remote_write: [{url: http://x}]\n", {.strict = true}, PROM_CHECK_OK, ": valid\n"},
        {"tracing: {endpoint: 'h:1'}\n", {0}, PROM_CHECK_OK, "warning: 'tracing' is not"},
        {"tracing: {endpoint: 'h:1'}\n",
         {.strict = true},
         PROM_CHECK_FAILED,
         "c.yml:1:1: 'tracing' is not supported yet"},
        {"rule_files: [none.yml]\n", {0}, PROM_CHECK_FAILED, "does not point to an existing file"},
        {"rule_files: [none.yml]\n", {.syntax_only = true}, PROM_CHECK_OK, "valid"},
        {"rule_files: [no*.yml]\n", {0}, PROM_CHECK_OK, "valid"},
        {"remote_read: [{url: http://x}]\n",
         {.agent = true},
         PROM_CHECK_FAILED,
         "field remote_read is not allowed in agent mode"},
    };

    (void)snprintf(path, sizeof(path), "%s/c.yml", dir);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].text);
        write_file(dir, "c.yml", cases[i].text);
        buf_reset(&out);
        assert_int_equal(prom_config_check(path, &cases[i].options, &out), cases[i].want);
        assert_true(str_contains(buf_view(&out), str_from(cases[i].says)));
    }
    test_row(NULL);
    buf_done(&out);
}

TEST(prom_target_texts)
{
    static const struct {
        const char *text;
        size_t groups; /* 99 = refused */
    } cases[] = {
        {"", 0},
        {"[]", 0},
        {"[{\"targets\": [\"a:1\", \"b:2\"], \"labels\": {\"k\": \"v\"}}]", 1},
        {"- targets: [a]\n- targets: [b]\n", 2},
        {"[null]", 99},
        {"{}", 99},
        {"- targats: [a]\n", 99},
        {"- targets: a\n", 99},
        {"- targets: [a]\n  labels: {'': x}\n", 99},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        static struct faults faults;
        struct arena arena = {0};
        const struct prom_target_group *const *groups = NULL;
        size_t count = 99;

        test_row(cases[i].text);
        faults = (struct faults){0};
        int r = prom_target_text_parse(str_from(cases[i].text), "t.json", &arena, &groups, &count,
                                       &faults);
        assert_int_equal(r < 0, cases[i].groups == 99);
        assert_int_equal(faults.total > 0, r < 0);
        assert_int_equal(count, cases[i].groups);
        arena_done(&arena);
    }
    test_row(NULL);
}
