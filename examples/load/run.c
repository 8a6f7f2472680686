#include "run.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_SIZE = 256, WS_MAX = 4096, POINTS_AIM = 300 };
static const double LOOK_LEAST_S = 0.05;
static const double LOOK_MOST_S = 5;

/* What the threads of a scenario share. */
struct stage_play {
    const struct run *run;
    struct scenario scenario;
    struct watch *watch;
    int64_t start_ns;
    atomic_int users;       /* at work now */
    atomic_int generations; /* begun */
    _Atomic bool over;
};

struct player {
    struct stage_play *play;
    int number;
    pthread_t thread;
    bool started;
};

int run_metrics_parse(struct run *run, const char *url, const char *text, struct svc_error *err)
{
    char copy[URL_SIZE * 4];
    char *save = NULL;

    if (strlen(text) >= sizeof(copy)) {
        return svc_fail(err, -EINVAL, "--metrics: too long");
    }
    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (char *part = strtok_r(copy, ",", &save); part != NULL; part = strtok_r(NULL, ",", &save)) {
        char full[URL_SIZE];
        char *path;
        int r;

        if (run->metrics_count == RUN_METRICS_MAX) {
            return svc_fail(err, -EINVAL, "--metrics: at most %d", RUN_METRICS_MAX);
        }
        (void)snprintf(full, sizeof(full), "%.100s%.150s",
                       strncmp(part, "{url}", 5) == 0 ? url : "",
                       strncmp(part, "{url}", 5) == 0 ? part + 5 : part);
        path = strlen(full) > 7 ? strchr(full + 7, '/') : NULL;
        (void)snprintf(run->metrics[run->metrics_count].path, sizeof(run->metrics[0].path),
                       "%.127s", path != NULL ? path : "/metrics");
        if (path != NULL) {
            *path = '\0';
        }
        r = net_place_parse(full, &run->metrics[run->metrics_count].place, err);
        if (r < 0) {
            return r;
        }
        run->metrics_count++;
    }
    return 0;
}

static bool is_over(struct stage_play *play)
{
    const struct scenario *scenario = &play->scenario;

    return play->over || *play->run->stopping ||
           (scenario->seconds > 0 && svc_since_s(play->start_ns) >= scenario->seconds);
}

/* A generation for this user, if there is one left. */
static bool generation_take(struct stage_play *play)
{
    int before = atomic_fetch_add(&play->generations, 1);

    return play->scenario.generations == 0 || before < play->scenario.generations;
}

static void *player_run(void *context)
{
    struct player *player = context;
    struct stage_play *play = player->play;
    const struct run *run = play->run;
    struct user user = {
        .http = {.place = &run->place, .fd = -1, .limit_s = run->limit_s},
        .watch = play->watch,
        .start_ns = play->start_ns,
        .number = player->number,
        .mistakes = (unsigned)run->mistakes,
        .limit_s = run->limit_s,
        .stopping = run->stopping,
    };
    double wait_s =
        scenario_user_start(&play->scenario, player->number) - svc_since_s(play->start_ns);

    if (wait_s > 0) {
        (void)svc_sleep_s(wait_s, run->stopping);
    }
    atomic_fetch_add(&play->users, 1);
    while (!is_over(play) && generation_take(play)) {
        bool good = run->profile->generate(&user);

        user.generation++;
        watch_generation(play->watch, !good);
        if (run->pause_s > 0 || !good) {
            (void)svc_sleep_s(good ? run->pause_s : 0.1, run->stopping);
        }
    }
    atomic_fetch_sub(&play->users, 1);
    net_http_close(&user.http);
    return NULL;
}

/* Listens on WebSockets: one for each user who is there, and the extra ones. */
static void *listener_run(void *context)
{
    struct stage_play *play = context;
    const struct run *run = play->run;
    size_t most = (size_t)play->scenario.users + (size_t)run->websockets;
    struct pollfd *sockets = calloc(WS_MAX + 1, sizeof(*sockets));
    struct svc_bytes *waiting = calloc(WS_MAX + 1, sizeof(*waiting));
    size_t open = 0;

    most = most < WS_MAX ? most : WS_MAX;
    while (sockets != NULL && waiting != NULL && !play->over && run->profile->ws != NULL) {
        size_t wanted = (size_t)atomic_load(&play->users) + (size_t)run->websockets;
        int fd = open < wanted && open < most
                     ? net_ws_open(&run->place, run->profile->ws, run->limit_s)
                     : -1;

        if (fd >= 0) {
            waiting[open] = (struct svc_bytes){.max = 1};
            sockets[open++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
        (void)poll(sockets, (nfds_t)open, fd >= 0 ? 0 : 20);
        for (size_t i = open; i > 0; i--) {
            int messages =
                sockets[i - 1].revents != 0 ? net_ws_take(sockets[i - 1].fd, &waiting[i - 1]) : 0;

            if (messages < 0) {
                (void)close(sockets[i - 1].fd);
                svc_bytes_done(&waiting[i - 1]);
                sockets[i - 1] = sockets[--open];
                waiting[i - 1] = waiting[open];
            } else {
                watch_messages(play->watch, messages);
            }
        }
    }
    for (size_t i = 0; i < open; i++) {
        (void)close(sockets[i].fd);
        svc_bytes_done(&waiting[i]);
    }
    free(sockets);
    free(waiting);
    return NULL;
}

static void look(struct stage_play *play, struct net_http *http)
{
    const struct run *run = play->run;
    struct watch_point point =
        watch_point_empty(svc_since_s(play->start_ns), atomic_load(&play->users));
    struct net_answer answers[RUN_METRICS_MAX];

    for (size_t i = 0; i < run->metrics_count; i++) {
        const struct net_request request = {.method = "GET", .path = run->metrics[i].path};

        http[i].place = &run->metrics[i].place;
        net_ask(&http[i], &request, &answers[i]);
    }
    /* Sums of stages begin anew with each look. */
    for (size_t i = 0; i < play->watch->stage_count; i++) {
        play->watch->stages[i].sum = 0;
        play->watch->stages[i].count = 0;
    }
    for (size_t i = 0; i < run->metrics_count; i++) {
        if (answers[i].status == 200) {
            watch_exposition(play->watch, &point, (const char *)answers[i].body.ptr);
        }
        net_answer_done(&answers[i]);
    }
    watch_point_add(play->watch, &point);
}

double run_scenario(const struct run *run, const struct scenario *scenario, struct watch *watch)
{
    struct stage_play play = {.run = run, .scenario = *scenario, .watch = watch};
    struct player players[SCENARIO_USERS_MAX] = {{0}};
    struct net_http http[RUN_METRICS_MAX];
    double pause_s = fmin(fmax(scenario->seconds / POINTS_AIM, LOOK_LEAST_S), LOOK_MOST_S);
    pthread_t listener;
    bool has_listener;
    double seconds;

    for (size_t i = 0; i < RUN_METRICS_MAX; i++) {
        http[i] = (struct net_http){.fd = -1, .limit_s = run->limit_s};
    }
    play.start_ns = svc_mono_ns();
    look(&play, http);
    play.start_ns = svc_mono_ns();
    for (int i = 0; i < scenario->users; i++) {
        players[i] = (struct player){.play = &play, .number = i};
        players[i].started = pthread_create(&players[i].thread, NULL, player_run, &players[i]) == 0;
    }
    has_listener = pthread_create(&listener, NULL, listener_run, &play) == 0;
    (void)svc_sleep_s(pause_s, run->stopping);
    /* A scenario by generations is over when they are taken and nobody works any more. */
    while (!is_over(&play) && (scenario->generations == 0 || atomic_load(&play.users) > 0)) {
        look(&play, http);
        (void)svc_sleep_s(pause_s, run->stopping);
    }
    for (int i = 0; i < scenario->users; i++) {
        (void)(players[i].started && pthread_join(players[i].thread, NULL));
    }
    seconds = svc_since_s(play.start_ns);
    look(&play, http);
    play.over = true;
    (void)(has_listener && pthread_join(listener, NULL));
    for (size_t i = 0; i < RUN_METRICS_MAX; i++) {
        net_http_close(&http[i]);
    }
    return seconds;
}
