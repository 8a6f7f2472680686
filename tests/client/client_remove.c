/*
 * Series that are removed in a forking service: by hand and by their time to live, seen from the
 * process that does it and from the others. Prints "ok" or what is wrong. client_remove DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <baro/baro.h>

static struct baro_family *tasks, *idle;
static int failures;

static const struct baro_label labels[] = {{.name = "kind"}};
static const struct baro_desc tasks_desc = {.name = "tasks_total",
                                            .help = "Tasks.",
                                            .type = BARO_COUNTER,
                                            .labels = labels,
                                            .label_count = 1};
static const struct baro_desc idle_desc = {.name = "idle_seconds",
                                           .help = "Idle.",
                                           .type = BARO_GAUGE,
                                           .labels = labels,
                                           .label_count = 1,
                                           .ttl_s = 2};

static void expect(const char *line, bool is_there, const char *what)
{
    char *text = baro_expose_alloc(NULL, NULL, NULL);

    if ((text != NULL && strstr(text, line) != NULL) != is_there) {
        (void)printf("%s: %s %s in:\n%s\n", what, line, is_there ? "is not" : "is",
                     text != NULL ? text : "");
        failures++;
    }
    free(text);
}

/* The worker obeys: a byte is a command, and is answered when it is done. */
static void work(int from, int to)
{
    baro_counter kept = baro_counter_with(tasks, BARO_VALUES("a"));
    baro_counter cell = {0};
    char command;

    while (read(from, &command, 1) == 1) {
        if (command == 'k') {
            baro_counter_add(kept, 5);
        } else if (command == 'w') {
            baro_counter_add(baro_counter_with(tasks, BARO_VALUES("a")), 3);
        } else if (command == 'c') {
            baro_counter_add(baro_counter_cached(&cell, tasks, BARO_VALUES("c")), 2);
        } else if (command == 'r') {
            command = baro_series_remove(tasks, BARO_VALUES("b")) == BARO_OK ? 'y' : 'n';
        } else if (command == 'g') {
            baro_gauge_set(baro_gauge_with(idle, BARO_VALUES("busy")), 7);
        } else if (command == 'm') {
            command = baro_misuse_count() > 0 ? 'y' : 'n';
        }
        if (write(to, &command, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

static int to_worker[2], from_worker[2];

static char ask(char command)
{
    if (write(to_worker[1], &command, 1) != 1 || read(from_worker[0], &command, 1) != 1) {
        (void)printf("the worker is gone\n");
        exit(1);
    }
    return command;
}

static void by_hand(void)
{
    (void)ask('w');
    (void)ask('c');
    baro_counter_inc(baro_counter_with(tasks, BARO_VALUES("a")));
    baro_counter_inc(baro_counter_with(tasks, BARO_VALUES("b")));
    expect("tasks_total{kind=\"a\"} 4\n", true, "both have counted");
    expect("tasks_total{kind=\"b\"} 1\n", true, "the other label");
    if (baro_series_remove(tasks, BARO_VALUES("a")) != BARO_OK ||
        baro_series_remove(tasks, BARO_VALUES("never")) != BARO_NO_SERIES) {
        (void)printf("baro_series_remove\n");
        failures++;
    }
    expect("kind=\"a\"", false, "it is removed");
    (void)ask('k');
    expect("kind=\"a\"", false, "an old handle of the other process brings nothing back");
    (void)ask('w');
    expect("tasks_total{kind=\"a\"} 3\n", true, "the other process looks it up: it starts anew");
    baro_counter_inc(baro_counter_with(tasks, BARO_VALUES("a")));
    expect("tasks_total{kind=\"a\"} 4\n", true, "and is the same one here");
    if (ask('r') != 'y') {
        (void)printf("the worker cannot remove what this process has made\n");
        failures++;
    }
    expect("kind=\"b\"", false, "the other process has removed it");
    expect("tasks_total{kind=\"c\"} 2\n", true, "by a kept cell");
    if (baro_family_clear(tasks) != BARO_OK) {
        (void)printf("baro_family_clear\n");
        failures++;
    }
    expect("tasks_total{", false, "all are removed");
    (void)ask('c');
    expect("tasks_total{kind=\"c\"} 2\n", true, "a kept cell looks its series up again");
}

/* 2 s without an update by any process; the worker keeps one of two alive, with the same value. */
static void by_time(void)
{
    bool was_alive = true;
    char *text = NULL;

    baro_gauge_set(baro_gauge_with(idle, BARO_VALUES("left")), 1);
    for (int i = 0; i < 600; i++) {
        (void)ask('g');
        free(text);
        text = baro_expose_alloc(NULL, NULL, NULL);
        was_alive = was_alive && strstr(text, "idle_seconds{kind=\"busy\"} 7\n") != NULL;
        if (strstr(text, "kind=\"left\"") == NULL) {
            break;
        }
        (void)usleep(100000);
    }
    free(text);
    if (!was_alive) {
        (void)printf("a series that another process updates has expired\n");
        failures++;
    }
    expect("kind=\"left\"", false, "it has expired");
    baro_gauge_set(baro_gauge_with(idle, BARO_VALUES("left")), 9);
    expect("idle_seconds{kind=\"left\"} 9\n", true, "it comes again");
}

int main(int argc, char **argv)
{
    struct baro_why why = {{0}};
    pid_t pid;

    if (argc != 2 || baro_multiprocess_join(argv[1], &why) < 0 || pipe(to_worker) < 0 ||
        pipe(from_worker) < 0) {
        (void)printf("start: %s\n", why.text);
        return 1;
    }
    tasks = baro_family_new(NULL, &tasks_desc, &why);
    idle = baro_family_new(NULL, &idle_desc, &why);
    pid = fork();
    if (pid == 0) {
        (void)close(to_worker[1]);
        work(to_worker[0], from_worker[1]);
    }
    by_hand();
    by_time();
    (void)close(to_worker[1]);
    (void)waitpid(pid, NULL, 0);
    if (failures == 0) {
        (void)printf("ok\n");
    }
    return failures == 0 ? 0 : 1;
}
