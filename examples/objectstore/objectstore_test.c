#include <errno.h>
#include <stdlib.h>

#include "signature.h"
#include "store.h"
#include "testing/test.h"

/* Headers as "name\0value\0...", ended by an empty name. */
static const char *header_of(void *context, const char *name)
{
    for (const char *at = context; *at != '\0'; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0) {
            return value;
        }
        at = value;
    }
    return NULL;
}

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
#define HOST                                                                                       \
    "host\0examplebucket.s3.amazonaws.com\0x-amz-date\0"                                           \
    "20130524T000000Z\0"
enum { DAY_S = 1369353600 }; /* 2013-05-24 */

/* The examples of "Signature Calculations for the Authorization Header" in Amazon's S3 API
 * reference. */
static const struct {
    const char *name, *method, *path, *query, *body, *headers, *authorization;
} published[] = {
    {"get object", "GET", "/test.txt", "", "",
     HOST "range\0bytes=0-9\0x-amz-content-sha256\0" EMPTY "\0",
     "AWS4-HMAC-SHA256 Credential=" SCOPE
     ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"put object", "PUT", "/test$file.text", "", "Welcome to Amazon S3.",
     HOST "date\0Fri, 24 May 2013 00:00:00 GMT\0x-amz-storage-class\0REDUCED_REDUNDANCY\0"
          "x-amz-content-sha256\0"
          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\0",
     "AWS4-HMAC-SHA256 Credential=" SCOPE
     ", SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature="
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"a query without a value", "GET", "/", "lifecycle", "",
     HOST "x-amz-content-sha256\0" EMPTY "\0",
     "AWS4-HMAC-SHA256 Credential=" SCOPE
     ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"a query out of order", "GET", "/", "prefix=J&max-keys=2", "",
     HOST "x-amz-content-sha256\0" EMPTY "\0",
     "AWS4-HMAC-SHA256 Credential=" SCOPE
     ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static struct signature_request request_of(size_t i)
{
    return (struct signature_request){
        .method = published[i].method,
        .path = published[i].path,
        .query = published[i].query,
        .body = published[i].body,
        .body_len = strlen(published[i].body),
        .authorization = published[i].authorization,
        .header = header_of,
        .context = (void *)(uintptr_t)published[i].headers,
        .access_key = "AKIAIOSFODNN7EXAMPLE",
        .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        .now_s = DAY_S + 60,
    };
}

TEST(signatures_as_amazon_publishes_them)
{
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        struct signature_request request = request_of(i);
        struct svc_error err = {.text = ""};

        test_row(published[i].name);
        if (signature_check(&request, &err) != 0) {
            fail_msg("%s", err.text);
        }
        /* Any change of it is seen. */
        request.method = "DELETE";
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.path = "/other";
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.query = "a=b";
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.body = "changed";
        request.body_len = 7;
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.secret_key = "wrong";
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.access_key = "nobody";
        assert_int_equal(signature_check(&request, NULL), -EACCES);
        request = request_of(i);
        request.now_s += SIGNATURE_SKEW_S;
        assert_int_equal(signature_check(&request, NULL), -EACCES);
    }
    test_row(NULL);
}

TEST(signatures_that_are_none_are_refused)
{
    static const char *const wrong[] = {
        "",
        "Basic dTpw",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=x,SignedHeaders=host,Signature=1",
        "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;missing,Signature=" EMPTY,
        "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=x-amz-date,Signature=" EMPTY,
        "AWS4-HMAC-SHA256 "
        "Credential=a/20130524/r/ec2/aws4_request,SignedHeaders=host,Signature=" EMPTY,
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct signature_request request = request_of(0);

        test_row(wrong[i]);
        request.authorization = wrong[i];
        assert_int_equal(signature_check(&request, NULL), -EACCES);
    }
    test_row(NULL);
}

TEST(store_keys_cannot_leave_it)
{
    static const struct {
        const char *key;
        bool good;
    } cases[] = {
        {"a", true},       {"a/b/c.ply", true}, {"A-b_c.1", true}, {"", false},
        {"/a", false},     {"a/", false},       {"a//b", false},   {"../a", false},
        {"a/../b", false}, {"./a", false},      {"a/./b", false},  {".", false},
        {"a b", false},    {"a\\b", false},     {"a%2f", false},
    };
    static const char *const buckets[] = {"ab", "A-b", "-ab", "ab-", "a.b", "a/b", "..", ""};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row(cases[i].key);
        assert_int_equal(store_key_is_good(cases[i].key), cases[i].good);
    }
    for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
        test_row(buckets[i]);
        assert_false(store_bucket_is_name(buckets[i]));
    }
    test_row(NULL);
    assert_true(store_bucket_is_name("photos-1"));
}

static void key_add(void *context, const char *key, uint64_t bytes)
{
    char *text = context;

    (void)snprintf(text + strlen(text), 256 - strlen(text), "%s=%llu ", key,
                   (unsigned long long)bytes);
}

TEST(store_keeps_objects_and_counts_them)
{
    struct svc_error err = {.text = ""};
    struct svc_bytes got = {0};
    struct store_usage usage;
    struct store *store = NULL;
    char directory[600];
    char text[256] = "";

    (void)snprintf(directory, sizeof(directory), "%s/store", test_dir());
    assert_int_equal(store_open(directory, &store, &err), 0);
    assert_false(store_usage(store, 0, &usage));
    assert_int_equal(store_put(store, "photos", "a", "x", 1, &err), -ENOENT);
    assert_int_equal(store_bucket_make(store, "photos", &err), 0);
    assert_int_equal(store_bucket_make(store, "photos", &err), -EEXIST);
    assert_int_equal(store_bucket_make(store, "Photos", &err), -EINVAL);
    assert_int_equal(store_bucket_make(store, "photos-2", &err), 0);
    assert_int_equal(store_put(store, "photos", "a/b", "hello", 5, &err), 0);
    assert_int_equal(store_put(store, "photos", "a/c", "xy", 2, &err), 0);
    assert_int_equal(store_put(store, "photos", "b", "", 0, &err), 0);
    assert_int_equal(store_put(store, "photos", "a/b", "hell", 4, &err), 0); /* in place */
    assert_int_equal(store_put(store, "photos-2", "z", "123", 3, &err), 0);
    assert_int_equal(store_put(store, "photos", "../z", "", 0, &err), -ENOENT);
    store = store_close(store);

    assert_int_equal(store_open(directory, &store, &err), 0); /* all of it is still there */
    for (size_t i = 0; store_usage(store, i, &usage); i++) {
        assert_int_equal(usage.objects, strcmp(usage.bucket, "photos") == 0 ? 3 : 1);
        assert_int_equal(usage.bytes, strcmp(usage.bucket, "photos") == 0 ? 6 : 3);
    }
    assert_int_equal(store_get(store, "photos", "a/b", 100, &got, &err), 0);
    assert_memory_equal(got.ptr, "hell", 4);
    svc_bytes_done(&got);
    assert_int_equal(store_get(store, "photos", "none", 100, &got, &err), -ENOENT);
    assert_int_equal(store_list(store, "photos", "", "", 10, key_add, text), 0);
    assert_string_equal(text, "a/b=4 a/c=2 b=0 ");
    text[0] = '\0';
    assert_int_equal(store_list(store, "photos", "a/", "", 1, key_add, text), 1);
    assert_string_equal(text, "a/b=4 ");
    assert_int_equal(store_list(store, "photos", "a/", "a/b", 1, key_add, text), 0);
    assert_string_equal(text, "a/b=4 a/c=2 ");
    assert_int_equal(store_list(store, "none", "", "", 1, key_add, text), -ENOENT);
    assert_int_equal(store_delete(store, "photos", "a/b", &err), 0);
    assert_int_equal(store_delete(store, "photos", "a/b", &err), -ENOENT);
    assert_int_equal(store_get(store, "photos", "a/b", 100, &got, &err), -ENOENT);
    store = store_close(store);
}
