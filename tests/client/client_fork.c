/*
 * The multi-process test: 24 workers that count, of which one is killed at random again and again
 * and started anew. Beside the counter each worker notes in a mapping of its own what it has
 * counted, behind the counting, so that the counter may be ahead of the notes by one for each kill,
 * and by nothing else. Prints "ok ..." or what is wrong. client_fork DIRECTORY SECONDS SEED
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <baro/baro.h>

enum { WORKERS = 24, LABELS = 5 };

static uint64_t *notes; /* one for each worker's place */
static struct baro_family *family;
static baro_counter total;
static baro_gauge busy;
static baro_histogram seconds;

static void work(int place)
{
    static const char *const values[] = {"a", "b", "c", "d", "e"};

    baro_gauge_set(busy, 1);
    for (unsigned i = 0;; i++) {
        baro_counter_inc(total);
        baro_counter_inc(baro_counter_with(family, BARO_VALUES(values[i % LABELS])));
        baro_histogram_observe(seconds, (double)(i % 100) / 50);
        __atomic_fetch_add(&notes[place], 1, __ATOMIC_SEQ_CST);
        if (i % 64 == 0) {
            (void)usleep(50);
        }
    }
}

static pid_t start(int place)
{
    pid_t pid = fork();

    if (pid == 0) {
        work(place);
    }
    return pid;
}

static uint64_t noted(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < WORKERS; i++) {
        sum += __atomic_load_n(&notes[i], __ATOMIC_SEQ_CST);
    }
    return sum;
}

/* The value of a line of the exposition, the sum of all lines that begin so. */
static double exposed(const char *start_of_line)
{
    char *text = baro_expose_alloc(NULL, NULL, NULL);
    double sum = 0;

    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');

        if (strncmp(line, start_of_line, strlen(start_of_line)) == 0) {
            *end = '\0';
            sum += strtod(strrchr(line, ' '), NULL);
        }
        line = end == NULL ? NULL : end + 1;
    }
    free(text);
    return sum;
}

static int check(const char *what, double got, double least, double most)
{
    if (got >= least && got <= most) {
        return 0;
    }
    (void)printf("%s: %.0f is not in %.0f .. %.0f\n", what, got, least, most);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct baro_label labels[] = {{"kind", 0, NULL, 0}};
    static const struct baro_desc desc = {
        .name = "kinds_total", .type = BARO_COUNTER, .labels = labels, .label_count = 1};
    pid_t pids[WORKERS];
    struct baro_why why;
    double before = 0;
    int kills = 0;
    int faults = 0;
    int64_t end;

    if (argc < 4 || baro_multiprocess_join(argv[1], &why) < 0) {
        (void)printf("join: %s\n", argc < 4 ? "usage" : why.text);
        return 1;
    }
    notes = mmap(NULL, sizeof(*notes) * WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    family = baro_family_new(NULL, &desc, NULL);
    total = baro_counter_new(NULL, "all_total", "");
    busy = baro_gauge_new(NULL, "busy", "");
    seconds = baro_histogram_new(NULL, "seconds", "", NULL, 0);
    srand((unsigned)atoi(argv[3]));
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = start(i);
    }
    end = baro_now_ns() + (int64_t)atoi(argv[2]) * 1000000000;
    while (baro_now_ns() < end) {
        int place = rand() % WORKERS;
        double now;

        (void)usleep((unsigned)(rand() % 20000));
        (void)kill(pids[place], SIGKILL);
        (void)waitpid(pids[place], NULL, 0);
        kills++;
        now = exposed("all_total ");
        faults += check("the counter went back", now, before, 1e18);
        before = now;
        pids[place] = start(place);
    }
    (void)usleep(50000);
    faults += check("gauge of living ones", exposed("busy "), WORKERS - 1, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
        kills++;
    }
    faults += check("counter", exposed("all_total "), (double)noted(), (double)noted() + kills);
    faults += check("labelled", exposed("kinds_total{"), (double)noted(), (double)noted() + kills);
    faults +=
        check("histogram", exposed("seconds_count "), (double)noted(), (double)noted() + kills);
    faults += check("gauge of the dead", exposed("busy "), 0, 0);
    if (faults == 0) {
        (void)printf("ok: %d kills, %.0f counted\n", kills, (double)noted());
    }
    return faults != 0;
}
