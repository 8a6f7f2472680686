/* What a child of fork finds of libbaro: threads of the parent's are not there, nor what they held.
 */
#include "client/baro_server_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "testing/test.h"

enum { CHILD_LIMIT_S = 60 };

/* The exit status of a child that runs `run`; -1 when a signal ended it, as one does that hangs. */
static int child_status(int (*run)(void *context), void *context)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(CHILD_LIMIT_S);
        _exit(run(context));
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct held {
    baro_gauge gauge;
    baro_counter counter;
};

static const struct baro_pair trace[] = {{"trace_id", "abc"}};

static int set_in_child(void *context)
{
    const struct held *held = context;

    baro_gauge_set(held->gauge, 5);
    return baro_gauge_value(held->gauge) == 5 ? 0 : 1;
}

/* Another thread of the parent is setting the gauge at the fork: here, the lock is as it leaves it
 * then. */
TEST(baro_gauge_is_set_in_a_child_though_the_parent_held_it)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct held held = {.gauge = baro_gauge_new(registry, "g", "")};
    uint32_t slot = 0;
    uint64_t word = 0;
    uint64_t *lock;

    baro_gauge_add(held.gauge, 1);
    baro_gauge_set(held.gauge, 2);
    lock = &baro_cell_process(baro_series_live(held.gauge.ref, &slot)->slot2)[2];
    assert_true(baro_word_lock(lock, &word));
    assert_false(baro_word_lock(lock, &word));
    assert_int_equal(child_status(set_in_child, &held), 0);
    baro_gauge_set(held.gauge, 7); /* overtaken by who holds it */
    assert_true(baro_gauge_value(held.gauge) == 2);
    baro_word_unlock(lock, word);
    baro_gauge_set(held.gauge, 7);
    assert_true(baro_gauge_value(held.gauge) == 7);
    assert_null(baro_registry_free(registry));
}

static int exemplar_in_child(void *context)
{
    const struct baro_exemplar exemplar = {trace, 1, 1500};
    struct held *held = context;
    uint32_t slot = 0;
    struct baro_exemplar_kept kept;

    baro_counter_add_exemplar(held->counter, 3, &exemplar);
    return baro_exemplar_read(baro_series_live(held->counter.ref, &slot), 0, &kept) &&
                   kept.value == 3
               ? 0
               : 1;
}

TEST(baro_exemplars_go_on_in_a_child)
{
    const struct baro_exemplar exemplar = {trace, 1, 1500};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct held held = {.counter = baro_counter_new(registry, "c_total", "")};

    baro_counter_add_exemplar(held.counter, 2, &exemplar);
    assert_int_equal(child_status(exemplar_in_child, &held), 0);
    assert_null(baro_registry_free(registry));
}

/* ---- the server ---- */

static bool is_served(uint16_t port)
{
    static const char request[] = "GET /health HTTP/1.0\r\n\r\n";
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = CHILD_LIMIT_S};
    char answer[16] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
                connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
                send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
                recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return good && strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static int stop_in_child(void *context)
{
    return baro_server_stop(context) == NULL ? 0 : 1;
}

TEST(baro_server_outlives_its_end_in_a_child)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    const struct baro_server_options options = {.registry = registry, .listen = "127.0.0.1:0"};
    struct baro_server *server = baro_server_start(&options, NULL);

    assert_non_null(server);
    assert_true(is_served(baro_server_port(server)));
    assert_int_equal(child_status(stop_in_child, server), 0);
    assert_true(is_served(baro_server_port(server)));
    assert_null(baro_server_stop(server));
    assert_null(baro_registry_free(registry));
}

/* "localhost" has two addresses: to listen on one while another program has the other would show
 * some clients that program's figures. */
TEST(baro_server_wants_all_addresses_of_a_name)
{
    struct baro_server *taken = baro_serve(NULL, "127.0.0.1:0", NULL);
    struct baro_why why = {""};
    char listen[32];

    assert_non_null(taken);
    (void)snprintf(listen, sizeof(listen), "localhost:%u", (unsigned)baro_server_port(taken));
    assert_null(baro_serve(NULL, listen, &why));
    assert_non_null(strstr(why.text, "in use"));
    assert_null(baro_server_stop(taken));
}
