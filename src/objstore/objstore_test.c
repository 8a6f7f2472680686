/* Configurations in Thanos's form, signatures, the bucket that is a directory, what was uploaded
 * and how far, and the meta.json that Thanos wants. S3 itself: tests/objstore/run_objstore.py. */
#include "objstore/objstore.h"

#include "codec/json.h"
#include "codec/sha256.h"
#include "objstore/s3_sign.h"
#include "objstore/shipper.h"
#include "objstore/shipper_state.h"
#include "sys/fs.h"
#include "sys/fs_fake.h"
#include "testing/test.h"

static const char *no_environment(UNUSED const char *name)
{
    return NULL;
}

static const char *some_environment(const char *name)
{
    return strcmp(name, "AWS_ACCESS_KEY_ID") == 0       ? "from-env"
           : strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "s"
                                                        : NULL;
}

TEST(objstore_config_reads_thanos_files)
{
    static const char text[] =
        "type: s3\n"
        "prefix: /a/b/\n"
        "config:\n"
        "  bucket: blocks\n"
        "  endpoint: s3.eu-west-1.amazonaws.com\n"
        "  access_key: k\n"
        "  secret_key: s\n"
        "  sse_config: {type: \"\"}\n"
        "  trace: {enable: false}\n"
        "  part_size: 5242880\n"
        "  http_config: {idle_conn_timeout: 90s, insecure_skip_verify: true}\n";
    struct objstore_config config = {0};
    struct baro_error err = {0};

    assert_ok(objstore_config_parse(str_from(text), "o.yml", no_environment, &config, &err), &err);
    assert_int_equal(config.type, OBJSTORE_S3);
    assert_str_equal(config.prefix, STR("a/b"));
    assert_str_equal(config.bucket, STR("blocks"));
    assert_str_equal(config.region, STR("eu-west-1"));
    assert_true(config.virtual_hosted);
    assert_true(config.insecure_skip_verify);
    assert_int_equal(config.part_bytes, 5 << 20);
    objstore_config_done(&config);
    assert_ok(
        objstore_config_parse(STR("type: S3\nconfig: {bucket: b, endpoint: 'h:9000', insecure: "
                                  "true}\n"),
                              "o.yml", some_environment, &config, &err),
        &err);
    assert_str_equal(config.access_key, STR("from-env"));
    assert_str_equal(config.region, STR("us-east-1"));
    assert_false(config.virtual_hosted);
    assert_int_equal(config.part_bytes, 64 << 20);
    objstore_config_done(&config);
    assert_ok(objstore_config_parse(STR("type: FILESYSTEM\nconfig: {directory: /x}\n"), "o.yml",
                                    no_environment, &config, &err),
              &err);
    assert_str_equal(config.directory, STR("/x"));
    objstore_config_done(&config);
}

TEST(objstore_config_refusals)
{
    static const struct {
        const char *text, *want;
        uint32_t line, column;
        int code;
    } cases[] = {
        {"", "'type' must be S3 or FILESYSTEM", 1, 1, BARO_EUNSUPPORTED},
        {"type: GCS\nconfig: {bucket: b}\n", "'type' must be S3", 1, 1, BARO_EUNSUPPORTED},
        {"type: S3\nconfig: {bucket: b, endpont: h}\n", "unknown key \"endpont\"", 2, 21,
         BARO_EPARSE},
        {"type: S3\nconfig: {endpoint: h, access_key: a, secret_key: s}\n", "'bucket' is missing",
         2, 9, BARO_EPARSE},
        {"type: S3\nconfig: {bucket: b, endpoint: 'http://h', access_key: a, secret_key: s}\n",
         "no scheme", 2, 9, BARO_EPARSE},
        {"type: S3\nconfig: {bucket: b, endpoint: h}\n", "'access_key' and 'secret_key'", 2, 9,
         BARO_EPARSE},
        {"type: S3\nconfig: {bucket: b, endpoint: h, insecure: 3}\n", "true or false", 2, 44,
         BARO_EPARSE},
        {"type: S3\nconfig: {bucket: b, endpoint: h, part_size: 7}\n", "from 5 MiB", 2, 45,
         BARO_EPARSE},
        {"type: S3\nconfig: {bucket: b, endpoint: h, sse_config: {type: SSE-S3}}\n",
         "'sse_config' is not supported", 2, 46, BARO_EUNSUPPORTED},
        {"type: FILESYSTEM\nconfig: {}\n", "'directory' is missing", 2, 9, BARO_EPARSE},
        {"type: S3\nconfig: [1]\n", "a mapping is wanted", 2, 9, BARO_EPARSE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct objstore_config config = {0};
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_int_equal(
            objstore_config_parse(str_from(cases[i].text), "o.yml", no_environment, &config, &err),
            cases[i].code);
        if (strstr(err.message, cases[i].want) == NULL) {
            assert_string_equal(err.message, cases[i].want);
        }
        assert_int_equal(err.line, cases[i].line);
        assert_int_equal(err.column, cases[i].column);
        assert_string_equal(err.input, "o.yml");
    }
    test_row(NULL);
}

/* The examples of AWS's documentation ("Signature Calculations for the Authorization Header"). */
TEST(s3_sign_has_the_published_signatures)
{
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    struct s3_key key = {.access_key = STR("AKIAIOSFODNN7EXAMPLE"),
                         .secret_key = secret_from(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
                         .region = STR("us-east-1")};
    char date[S3_DATE_CHARS + 1];
    uint8_t digest[SHA256_BYTES];
    struct buf hash = {0}, got = {0};

    s3_date(INT64_C(1369353600000), date);
    assert_string_equal(date, "20130524T000000Z");
    sha256_digest(STR(""), digest);
    sha256_hex(&hash, digest);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct s3_request request = {.method = "GET",
                                     .host = STR("examplebucket.s3.amazonaws.com"),
                                     .path = STR("/"),
                                     .query = str_from(cases[i].query),
                                     .payload_hash = buf_view(&hash)};

        buf_reset(&got);
        s3_sign(&request, &key, date, &got);
        assert_true(str_has_suffix(buf_view(&got), str_from(cases[i].want)));
        assert_true(str_contains(buf_view(&got), STR("Credential=AKIAIOSFODNN7EXAMPLE/20130524/"
                                                     "us-east-1/s3/aws4_request")));
    }
    buf_reset(&got);
    s3_escape(&got, STR("a b/c+d~\xc3\xa4"), false);
    assert_str_equal(buf_view(&got), STR("a%20b/c%2Bd~%C3%A4"));
    buf_reset(&got);
    s3_escape(&got, STR("a/b="), true);
    assert_str_equal(buf_view(&got), STR("a%2Fb%3D"));
    buf_done(&hash);
    buf_done(&got);
}

static struct conf_pairs one_label(UNUSED void *context, struct arena *arena)
{
    struct conf_pair *items = ARENA_ARRAY(arena, struct conf_pair, 1);

    items[0] = (struct conf_pair){STR("replica"), STR("a \"quoted\"")};
    return (struct conf_pairs){items, 1};
}

static struct conf_pairs no_labels(UNUSED void *context, UNUSED struct arena *arena)
{
    return (struct conf_pairs){0};
}

TEST(shipper_meta_is_what_thanos_reads)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct block_meta meta = {.mint = 0, .maxt = 7200000, .series_count = 2, .level = 1},
                      again = {0};
    const struct shipper_file files[] = {{STR("chunks/000001"), 100}, {STR("index"), 50}};
    const struct json *thanos;
    struct arena arena = {0};
    struct buf json = {0};
    struct baro_error err = {0};
    int64_t resolution = -1;

    ulid_make(1, meta.ulid);
    shipper_meta_write(&meta, one_label(NULL, &arena), files, 2, &json);
    assert_ok(json_doc_parse(buf_view(&json), &root, &err), &err);
    assert_ok(block_meta_parse(buf_view(&json), &again, &err), &err);
    assert_string_equal(again.ulid, meta.ulid);
    thanos = json_get(root, "thanos");
    assert_str_equal(json_text(json_get(json_get(thanos, "labels"), "replica")),
                     STR("a \"quoted\""));
    assert_true(json_int(json_get(json_get(thanos, "downsample"), "resolution"), &resolution));
    assert_int_equal(resolution, 0);
    assert_str_equal(json_text(json_get(thanos, "source")), STR("sidecar"));
    assert_str_equal(json_text(json_at(json_get(thanos, "segment_files"), 0)), STR("000001"));
    assert_int_equal(json_count(json_get(thanos, "files")), 3);
    assert_str_equal(json_text(json_get(json_at(json_get(thanos, "files"), 2), "rel_path")),
                     STR("meta.json"));
    block_meta_done(&again);
    buf_done(&json);
    arena_done(&arena);
}

static bool keeps_none(UNUSED void *context, UNUSED const char *ulid)
{
    return false;
}

TEST(shipper_state_lasts)
{
    static const char a[] = "01BKGV7JBM69T2G1BGBGM6KB12", b[] = "01BKGV7JC0RY8A6MACW02A2PJD";
    struct fs_fake *fake = fs_fake_new(1);
    const struct fs *fs = fs_fake_fs(fake);
    struct shipper_state kept;
    struct baro_error err = {0};

    assert_ok(fs->mkdir(fs, "data", &err), &err);
    shipper_state_open(&kept, fs, "data");
    assert_false(shipper_state_has(&kept, a));
    assert_ok(shipper_state_add(&kept, a, &err), &err);
    shipper_state_begin(&kept, b);
    kept.files_done = 3;
    (void)snprintf(kept.upload.id, sizeof(kept.upload.id), "id \"1\"");
    kept.upload.etags = mem_alloc_zero(sizeof(kept.upload.etags[0]));
    (void)snprintf(kept.upload.etags[0], OBJSTORE_ETAG_BYTES, "\"etag\"");
    kept.upload.part_count = 1;
    assert_ok(shipper_state_keep(&kept, &err), &err);
    shipper_state_done(&kept);
    shipper_state_open(&kept, fs, "data");
    assert_true(shipper_state_has(&kept, a));
    shipper_state_begin(&kept, b);
    assert_int_equal(kept.files_done, 3);
    assert_string_equal(kept.upload.id, "id \"1\"");
    assert_int_equal(kept.upload.part_count, 1);
    assert_string_equal(kept.upload.etags[0], "\"etag\"");
    /* Another block begins at its first file. */
    shipper_state_begin(&kept, a);
    assert_int_equal(kept.files_done, 0);
    assert_int_equal(kept.upload.part_count, 0);
    assert_ok(shipper_state_drop(&kept, keeps_none, NULL, &err), &err);
    shipper_state_done(&kept);
    shipper_state_open(&kept, fs, "data");
    assert_false(shipper_state_has(&kept, a));
    shipper_state_done(&kept);
    (void)fs_fake_free(fake);
}

static void write_text(const char *dir, const char *name, const char *text)
{
    const struct fs *fs = fs_real();
    struct arena arena = {0};
    fs_file file = FS_FILE_NONE;
    struct baro_error err = {0};

    assert_ok(fs->open(fs, fs_path(&arena, dir, name), FS_CREATE, &file, &err), &err);
    assert_ok(fs->append(fs, file, text, strlen(text), &err), &err);
    (void)fs->close(fs, file, NULL);
    arena_done(&arena);
}

/* A block of four files in a data directory; what stands in them does not matter to an upload. */
static void make_block(struct arena *arena, const char *data, const char *ulid, uint32_t level,
                       const char *source)
{
    const struct fs *fs = fs_real();
    const char *dir = fs_path(arena, data, ulid), *chunks = fs_path(arena, dir, "chunks");
    struct block_meta meta = {.mint = 0, .maxt = 10, .series_count = 1, .level = level};
    struct buf json = {0};

    memcpy(meta.ulid, ulid, ULID_CHARS);
    block_parents_add(&meta.sources, source, 0, 0);
    block_meta_write(&meta, &json);
    buf_char(&json, '\0');
    assert_int_equal(fs->mkdir(fs, dir, NULL), 0);
    assert_int_equal(fs->mkdir(fs, chunks, NULL), 0);
    write_text(chunks, "000001", "one");
    write_text(chunks, "000002", "two");
    write_text(dir, "index", "the index");
    write_text(dir, "meta.json", json.ptr);
    buf_done(&json);
    block_meta_done(&meta);
}

static bool is_there(struct arena *arena, const char *dir, const char *name)
{
    str raw = STR_NULL;

    return fs_read_all(fs_real(), arena, fs_path(arena, dir, name), 1 << 20, &raw, NULL) >= 0;
}

/* Into a directory: level 1 alone, once, nothing whose source is there, and from links that outlive
 * the block. */
TEST(shipper_ships_each_block_once)
{
    static const char a[] = "01BKGV7JBM69T2G1BGBGM6KB12", b[] = "01BKGV7JC0RY8A6MACW02A2PJD",
                      c[] = "01BKGV7JC0RY8A6MACW02A2PJE", d[] = "01BKGV7JC0RY8A6MACW02A2PJF";
    struct arena arena = {0};
    const char *data = arena_str(&arena, str_from(test_dir())).ptr;
    const char *bucket = arena_str(&arena, str_from(test_dir())).ptr;
    struct objstore_config config = {
        .type = OBJSTORE_FILESYSTEM, .directory = str_from(bucket), .prefix = STR("p")};
    struct shipper_options options = {
        .data_dir = data, .config = &config, .no_thread = true, .labels = no_labels};
    struct shipper *shipper = NULL;
    struct block_meta meta = {.level = 1};
    struct baro_error err = {0};
    const char *in_bucket = fs_path(&arena, bucket, "p");

    assert_int_equal(shipper_new(&options, &shipper, &err), BARO_EINVALID);
    assert_non_null(strstr(err.message, "external_labels"));
    options.labels = one_label;
    assert_ok(shipper_new(&options, &shipper, &err), &err);
    make_block(&arena, data, a, 1, a);
    make_block(&arena, data, b, 2, a); /* merged from a */
    make_block(&arena, data, c, 1, a); /* made anew from a */
    assert_int_equal(shipper_sync(shipper, &err), 1);
    assert_true(is_there(&arena, fs_path(&arena, in_bucket, a), "meta.json"));
    assert_true(is_there(&arena, fs_path(&arena, in_bucket, a), "chunks/000002"));
    assert_true(is_there(&arena, fs_path(&arena, in_bucket, a), "index"));
    assert_false(is_there(&arena, fs_path(&arena, in_bucket, b), "meta.json"));
    assert_false(is_there(&arena, fs_path(&arena, in_bucket, c), "meta.json"));
    assert_int_equal(shipper_sync(shipper, &err), 0);
    /* Merged away right after it was written. */
    make_block(&arena, data, d, 1, d);
    memcpy(meta.ulid, d, sizeof(d));
    shipper_block_written(shipper, fs_path(&arena, data, d), &meta);
    assert_ok(fs_remove_tree(fs_real(), fs_path(&arena, data, d), &err), &err);
    assert_int_equal(shipper_sync(shipper, &err), 1);
    assert_true(is_there(&arena, fs_path(&arena, in_bucket, d), "chunks/000001"));
    shipper = shipper_free(shipper);
    /* The state is lost: the bucket knows. */
    assert_ok(fs_real()->remove(fs_real(), fs_path(&arena, data, SHIPPER_STATE_NAME), &err), &err);
    assert_ok(shipper_new(&options, &shipper, &err), &err);
    assert_int_equal(shipper_sync(shipper, &err), 0);
    assert_int_equal(shipper_sync(shipper, &err), 0);
    shipper = shipper_free(shipper);
    arena_done(&arena);
}
