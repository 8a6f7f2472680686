#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <baro/baro.h>

#include "documents.h"
#include "faults.h"
#include "telemetry.h"

enum {
    FILE_BYTES_MAX = 256 << 20,
    POLL_MS = 500,
    RESTARTS_PER_S_MAX = 10,
    STOP_S = 8, /* for workers to finish their task at the end */
};

/* What a worker is doing, in memory that its master sees. Only the worker writes; the master reads
 * when it is dead. */
struct slot {
    char task[QUEUE_MESSAGE_SIZE]; /* "" = nothing */
};

struct master {
    const struct worker_config *config;
    struct slot *slots;
    pid_t pids[WORKER_COUNT_MAX];
    pid_t metrics;
    struct queue *tasks;
};

/* One worker process. */
struct worker {
    const struct worker_config *config;
    struct slot *slot;
    char name[16];
    struct store *store;
    struct queue *tasks;
    struct queue *next;
    struct queue *events;
};

static _Atomic bool stopping; /* by SIGTERM, in masters and workers */

const char *worker_role_name(enum worker_role role)
{
    return role == WORKER_EXTRACTION ? "extraction" : "search";
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    stopping = true;
}

/* A child ends with its parent, and on SIGTERM when its task is done. */
static void child_prepare(const char *name)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t none;

    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGINT,
                 SIG_IGN); /* the terminal's ^C goes to all; the parent ends them in order */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)prctl(PR_SET_NAME, name);
}

static void event_tell(struct worker *worker, const char *id, const char *state, int percent)
{
    char event[QUEUE_MESSAGE_SIZE];

    (void)snprintf(event, sizeof(event), "%.40s %s %d", id, state, percent);
    (void)queue_push(worker->events, event); /* progress that nobody takes may be lost */
}

static int file_extract(struct worker *worker, const char *id, const struct document_task *task,
                        struct doc *doc, struct svc_error *err)
{
    char path[512];
    struct svc_bytes bytes = {0};
    double seconds = 0;
    int r;

    (void)snprintf(path, sizeof(path), "%s/%s", worker->config->files, task->digest);
    r = svc_file_read(path, FILE_BYTES_MAX, &bytes, err);
    if (r == 0) {
        event_tell(worker, id, "reading", 25);
        if (svc_fault_on(worker->config->faults, FAULT_SLOW_EXTRACTION, NULL, &seconds)) {
            (void)svc_sleep_s(seconds, &stopping);
        }
        if (svc_fault_chance(worker->config->faults, FAULT_WORKER_CRASH, NULL)) {
            (void)raise(SIGKILL);
        }
        r = svc_fault_chance(worker->config->faults, FAULT_EXTRACTION_FAILURES, NULL)
                ? svc_fail(err, -EINVAL, "fault extraction-failures")
                : doc_parse(task->type, bytes.ptr, bytes.len, doc, err);
    }
    svc_bytes_done(&bytes);
    return r;
}

/* Puts a task back for another attempt; false when it has had enough of them. */
static bool task_retry(struct worker *worker, const char *id, const struct document_task *task)
{
    if (task->attempts >= WORKER_ATTEMPTS_MAX || queue_push(worker->tasks, id) < 0) {
        return false;
    }
    if (task->type < DOC_TYPE_COUNT) {
        telemetry_retry(task->type);
    }
    return true;
}

static void task_failed(struct worker *worker, const char *id, const struct svc_error *why)
{
    struct svc_error err = {0};

    svc_log("warn", "extraction failed", "document", id, "err", why->text, NULL);
    for (int i = 0; i < WORKER_ATTEMPTS_MAX; i++) {
        if (documents_fail(worker->store, id, why->text, &err) >= 0) {
            break;
        }
    }
    event_tell(worker, id, "failed", 100);
}

/* One document: a fault of the file is final, one of the database is tried again. */
static void document_extract(struct worker *worker, const char *id)
{
    struct document_task task = {.type = DOC_TYPE_COUNT};
    struct svc_error err = {0};
    struct doc doc = {0};
    int64_t begin = svc_mono_ns();
    double aged_s = 0;
    int r = documents_begin(worker->store, id, &task, &err);

    if (r == 0 || task.type == DOC_TYPE_COUNT) {
        /* Deleted meanwhile, or not even its row can be read. */
        if (r < 0 && !task_retry(worker, id, &(struct document_task){.type = DOC_TYPE_COUNT})) {
            task_failed(worker, id, &err);
        }
        return;
    }
    event_tell(worker, id, "running", 5);
    (void)svc_fault_on(worker->config->faults, FAULT_AGED_EXTRACTION, NULL, &aged_s);
    telemetry_task_start(task.type, worker->name, aged_s);
    r = file_extract(worker, id, &task, &doc, &err);
    if (r == 0) {
        event_tell(worker, id, "storing", 75);
        r = documents_finish(worker->store, id, &doc, &err);
    }
    telemetry_task_end(task.type, worker->name, r >= 0, svc_since_s(begin) + aged_s);
    if (r >= 0) {
        event_tell(worker, id, "done", 100); /* before the indexer can say that it has finished */
        (void)queue_push(worker->next, id);
    } else if (r != -EIO || !task_retry(worker, id, &task)) {
        task_failed(worker, id, &err);
    }
    doc_done(&doc);
}

static void document_index(struct worker *worker, const char *id)
{
    struct svc_error err = {0};

    for (int i = 0; i < WORKER_ATTEMPTS_MAX; i++) {
        if (documents_index(worker->store, id, &err) >= 0) {
            event_tell(worker, id, "indexed", 100);
            return;
        }
    }
    svc_log("warn", "indexing failed", "document", id, "err", err.text, NULL);
}

static int worker_open(struct worker *worker, struct svc_error *err)
{
    const struct worker_config *config = worker->config;
    struct store_options options = {.url = config->database,
                                    .faults = config->faults,
                                    .stop = &stopping,
                                    .observed = telemetry_query};
    int r = store_open(&options, &worker->store, err);

    r = r < 0 ? r : queue_open(config->tasks, &worker->tasks, err);
    r = r < 0 || config->next == NULL ? r : queue_open(config->next, &worker->next, err);
    return r < 0 ? r : queue_open(config->events, &worker->events, err);
}

static void worker_close(struct worker *worker)
{
    worker->events = queue_close(worker->events);
    worker->next = queue_close(worker->next);
    worker->tasks = queue_close(worker->tasks);
    worker->store = store_close(worker->store);
}

/* Sanitizers reserve terabytes of addresses: under them there is no limit. */
static bool has_address_space_to_spare(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

/* The body of a worker process; its exit status. */
static int worker_run(const struct worker_config *config, struct slot *slot, int index)
{
    struct worker worker = {.config = config, .slot = slot};
    struct rlimit memory = {.rlim_cur = (rlim_t)WORKER_MEMORY_MIB << 20,
                            .rlim_max = (rlim_t)WORKER_MEMORY_MIB << 20};
    struct svc_error err = {0};

    (void)snprintf(worker.name, sizeof(worker.name), "%s-%d", worker_role_name(config->role),
                   index);
    child_prepare(worker.name);
    (void)(has_address_space_to_spare() || setrlimit(RLIMIT_AS, &memory));
    if (worker_open(&worker, &err) < 0) {
        svc_log("error", "worker does not start", "worker", worker.name, "err", err.text, NULL);
        worker_close(&worker);
        return 1;
    }
    if (config->role == WORKER_EXTRACTION) {
        telemetry_show_worker(worker.name);
    }
    while (!stopping) {
        int r = queue_pop(worker.tasks, slot->task, POLL_MS / 1e3);

        if (r == 1 && config->role == WORKER_EXTRACTION) {
            document_extract(&worker, slot->task);
        } else if (r == 1) {
            document_index(&worker, slot->task);
        } else if (r == -EPIPE) {
            break;
        } else if (r < 0) {
            (void)svc_sleep_s(1, &stopping); /* Redis is away: it may come back */
        }
        slot->task[0] = '\0';
    }
    worker_close(&worker);
    return 0;
}

static double queue_read(void *context)
{
    long depth = queue_depth(context);

    return depth >= 0 ? (double)depth : 0;
}

/* The process that answers scrapes for all workers of the master. */
static int metrics_run(const struct worker_config *config)
{
    struct baro_why why = {0};
    struct svc_error err = {0};
    struct queue *queue = NULL;
    struct baro_server_options options = {.listen = config->listen, .path = "/metrics"};
    struct baro_server *server;

    child_prepare("metrics");
    server = baro_server_start(&options, &why);
    if (server == NULL || queue_open(config->tasks, &queue, &err) < 0) {
        svc_log("error", "metrics are not served", "role", worker_role_name(config->role), "listen",
                config->listen, "err", server == NULL ? why.text : err.text, NULL);
        (void)baro_server_stop(server);
        return 1;
    }
    (void)printf("extraction: %s worker metrics on port %u\n", worker_role_name(config->role),
                 baro_server_port(server));
    (void)fflush(stdout);
    while (!stopping) {
        telemetry_queue(worker_role_name(config->role), (long)queue_read(queue));
        (void)svc_sleep_s(0.5, &stopping);
    }
    (void)baro_server_stop(server);
    queue = queue_close(queue);
    return 0;
}

static pid_t child_start(struct master *master, int index)
{
    pid_t pid = fork();

    if (pid == 0) {
        exit(index < 0 ? metrics_run(master->config)
                       : worker_run(master->config, &master->slots[index], index));
    }
    return pid;
}

/* A worker that died had a task: back to the queue with it, unless it has killed too many. */
static void worker_lost(struct master *master, int index, int status)
{
    struct slot *slot = &master->slots[index];
    char code[16];

    (void)snprintf(code, sizeof(code), "%d",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    svc_log("warn", "worker lost", "role", worker_role_name(master->config->role),
            WIFSIGNALED(status) ? "signal" : "status", code, "task", slot->task, NULL);
    if (slot->task[0] != '\0') {
        struct svc_error err = {0};
        struct store_options options = {.url = master->config->database,
                                        .observed = telemetry_query};
        struct store *store = NULL;
        struct document_task task = {.type = DOC_TYPE_COUNT};

        if (store_open(&options, &store, &err) == 0) {
            json_t *row = NULL;

            if (documents_get(store, slot->task, &row, &err) > 0) {
                task.attempts = (long)json_integer_value(json_object_get(row, "attempts"));
                task.type = doc_type_find(json_string_value(json_object_get(row, "type")));
            }
            json_decref(row);
        }
        if (task.type < DOC_TYPE_COUNT && task.attempts < WORKER_ATTEMPTS_MAX &&
            queue_push(master->tasks, slot->task) == 0) {
            telemetry_retry(task.type);
        } else if (store != NULL) {
            (void)documents_fail(store, slot->task, "the worker died of it", &err);
        }
        store = store_close(store);
        slot->task[0] = '\0';
    }
}

static void children_reap(struct master *master)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == master->metrics) {
            master->metrics = stopping ? 0 : child_start(master, -1);
        }
        for (int i = 0; i < master->config->count; i++) {
            if (master->pids[i] == pid) {
                if (!stopping) {
                    worker_lost(master, i, status);
                }
                master->pids[i] = stopping ? 0 : child_start(master, i);
            }
        }
        if (!stopping) {
            (void)svc_sleep_s(1.0 / RESTARTS_PER_S_MAX, &stopping);
        }
    }
}

static bool children_signal(struct master *master, int signal_number)
{
    bool any = false;

    for (int i = 0; i < master->config->count; i++) {
        any = any || master->pids[i] > 0;
        (void)(master->pids[i] > 0 && kill(master->pids[i], signal_number));
    }
    any = any || master->metrics > 0;
    (void)(master->metrics > 0 && kill(master->metrics, signal_number));
    return any;
}

static void children_end(struct master *master)
{
    int64_t begin = svc_mono_ns();

    (void)children_signal(master, SIGTERM);
    while (children_signal(master, 0) && svc_since_s(begin) < STOP_S) {
        children_reap(master);
        (void)svc_sleep_s(0.01, NULL);
    }
    if (children_signal(master, SIGKILL)) {
        while (waitpid(-1, NULL, 0) > 0) {
        }
    }
}

static int master_run(const struct worker_config *config)
{
    struct master master = {.config = config};
    struct svc_error err = {0};

    child_prepare(worker_role_name(config->role));
    if (config->multiprocess != NULL) {
        (void)setenv("PROMETHEUS_MULTIPROC_DIR", config->multiprocess, 1);
        baro_settings_reload();
    }
    master.slots = mmap(NULL, sizeof(struct slot) * WORKER_COUNT_MAX, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (master.slots == MAP_FAILED || telemetry_start(&err) < 0 ||
        queue_open(config->tasks, &master.tasks, &err) < 0) {
        svc_log("error", "workers do not start", "role", worker_role_name(config->role), "err",
                err.text, NULL);
        return 1;
    }
    master.metrics = child_start(&master, -1);
    for (int i = 0; i < config->count; i++) {
        master.pids[i] = child_start(&master, i);
    }
    while (!stopping) {
        children_reap(&master);
        (void)svc_sleep_s(0.1, &stopping);
    }
    children_end(&master);
    master.tasks = queue_close(master.tasks);
    return 0;
}

int worker_master_start(const struct worker_config *config, struct svc_error *err)
{
    pid_t pid = fork();

    if (pid == 0) {
        exit(master_run(config));
    }
    return pid > 0 ? pid
                   : svc_fail(err, -errno, "no process for the %s workers",
                              worker_role_name(config->role));
}
