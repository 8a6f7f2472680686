#include "mask.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLUSTERS = 4,       /* colours of each side */
    ROUNDS = 4,         /* of clustering and assigning */
    ISLAND_PARTS = 200, /* an island or hole smaller than this part of the picture is noise */
};

struct clusters {
    double center[CLUSTERS][3];
    double weight[CLUSTERS]; /* pixels of the last round */
};

/* Working memory of one picture. */
struct work {
    const struct image *image;
    size_t count;
    uint8_t *on;
    uint32_t *stack; /* of the flood */
    uint32_t *label; /* of the components; 0 = none */
    uint8_t *turns;  /* by label */
};

static double distance2(const double a[3], const uint8_t *p)
{
    double sum = 0;

    for (size_t c = 0; c < 3; c++) {
        double d = a[c] - p[c];

        sum += d * d;
    }
    return sum;
}

static size_t nearest(const struct clusters *clusters, const uint8_t *p, double *ret_distance)
{
    size_t best = 0;
    double least = INFINITY;

    for (size_t k = 0; k < CLUSTERS; k++) {
        double d = distance2(clusters->center[k], p);

        if (clusters->weight[k] > 0 && d < least) {
            least = d;
            best = k;
        }
    }
    *ret_distance = least;
    return best;
}

/* Seeds: the first pixel of the set, then always the one farthest from all seeds so far. */
static void seed(struct clusters *clusters, const struct work *work, uint8_t side)
{
    const uint8_t *pick = NULL;

    *clusters = (struct clusters){0};
    for (size_t k = 0; k < CLUSTERS; k++) {
        double farthest = -1;

        for (size_t i = 0; i < work->count; i += 1 + work->count / 4096) {
            const uint8_t *p = work->image->rgba + 4 * i;
            double d = 0;

            if (work->on[i] != side) {
                continue;
            }
            if (k > 0) {
                (void)nearest(clusters, p, &d);
            }
            if (d > farthest) {
                farthest = d;
                pick = p;
            }
        }
        if (pick == NULL || (k > 0 && farthest <= 0)) {
            return; /* fewer colours than clusters */
        }
        for (size_t c = 0; c < 3; c++) {
            clusters->center[k][c] = pick[c];
        }
        clusters->weight[k] = 1;
    }
}

static void refine(struct clusters *clusters, const struct work *work, uint8_t side)
{
    double sum[CLUSTERS][3] = {{0}};
    double weight[CLUSTERS] = {0};

    for (size_t i = 0; i < work->count; i++) {
        const uint8_t *p = work->image->rgba + 4 * i;
        double d;
        size_t k;

        if (work->on[i] != side) {
            continue;
        }
        k = nearest(clusters, p, &d);
        weight[k]++;
        for (size_t c = 0; c < 3; c++) {
            sum[k][c] += p[c];
        }
    }
    for (size_t k = 0; k < CLUSTERS; k++) {
        for (size_t c = 0; c < 3 && weight[k] > 0; c++) {
            clusters->center[k][c] = sum[k][c] / weight[k];
        }
        clusters->weight[k] = weight[k];
    }
}

/* The frame that background is assumed in: a twenty-fifth of each side, one pixel at least. */
static void mark_border(struct work *work)
{
    uint32_t width = work->image->width, height = work->image->height;
    uint32_t band_x = width / 25 + 1, band_y = height / 25 + 1;

    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            work->on[(size_t)y * width + x] = x >= band_x && y >= band_y &&
                                              x < width - (band_x < width ? band_x : 0) &&
                                              y < height - (band_y < height ? band_y : 0);
        }
    }
}

static void cluster_side(struct clusters *clusters, const struct work *work, uint8_t side)
{
    seed(clusters, work, side);
    for (int i = 0; i < 3; i++) {
        refine(clusters, work, side);
    }
}

/* A subject that reaches the border brings its colours there: those of a small part of the border
 * are not taken for background. */
static void drop_rare(struct clusters *clusters, double least_share)
{
    double all = 0;

    for (size_t k = 0; k < CLUSTERS; k++) {
        all += clusters->weight[k];
    }
    for (size_t k = 0; k < CLUSTERS; k++) {
        if (clusters->weight[k] < least_share * all) {
            clusters->weight[k] = 0;
        }
    }
}

/* One round: what is nearer to the background's colours becomes background, and the other way. The
 * subject's clusters that the background's explain as well are left out. */
static void assign(struct work *work, const struct clusters *back, struct clusters *front)
{
    for (size_t k = 0; k < CLUSTERS; k++) {
        uint8_t center[3];
        double d;

        for (size_t c = 0; c < 3; c++) {
            center[c] = (uint8_t)front->center[k][c];
        }
        (void)nearest(back, center, &d);
        if (d < 20 * 20) { /* about what JPEG noise and soft shadows make */
            front->weight[k] = 0;
        }
    }
    for (size_t i = 0; i < work->count; i++) {
        const uint8_t *p = work->image->rgba + 4 * i;
        double to_back, to_front;

        (void)nearest(back, p, &to_back);
        (void)nearest(front, p, &to_front);
        work->on[i] = to_front < to_back;
    }
}

/* Gives every pixel of `value` that hangs together with pixel `start` the label; returns how many.
 */
static size_t flood(struct work *work, uint32_t start, uint8_t value, uint32_t label)
{
    uint32_t width = work->image->width;
    size_t depth = 0, size = 0;

    work->stack[depth++] = start;
    work->label[start] = label;
    while (depth > 0) {
        uint32_t at = work->stack[--depth];
        uint32_t x = at % width;
        uint32_t next[4] = {x > 0 ? at - 1 : at, x + 1 < width ? at + 1 : at,
                            at >= width ? at - width : at,
                            at + width < work->count ? at + width : at};

        size++;
        for (size_t i = 0; i < 4; i++) {
            if (work->label[next[i]] == 0 && work->on[next[i]] == value) {
                work->label[next[i]] = label;
                work->stack[depth++] = next[i];
            }
        }
    }
    return size;
}

/* Turns components of `value` over: all that are small, and, of the background, nothing that
 * reaches the border. Returns how many were turned. Linear in pixels, whatever the picture. */
static unsigned clean(struct work *work, uint8_t value)
{
    uint32_t width = work->image->width, height = work->image->height;
    size_t small = work->count / ISLAND_PARTS;
    unsigned turned = 0;
    uint32_t label = 0;

    memset(work->label, 0, work->count * sizeof(*work->label));
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t x = i % width, y = i / width;
        bool at_border = x == 0 || y == 0 || x + 1 == width || y + 1 == height;
        bool turns;

        if (work->label[i] != 0 || work->on[i] != value) {
            continue;
        }
        label++;
        turns = flood(work, i, value, label) < small && !(value == 0 && at_border);
        work->turns[label] = turns;
        turned += turns;
    }
    for (size_t i = 0; i < work->count; i++) {
        if (work->label[i] != 0 && work->turns[work->label[i]]) {
            work->on[i] = !value;
        }
    }
    return turned;
}

static bool has_transparency(const struct image *image)
{
    size_t count = (size_t)image->width * image->height, clear = 0;

    for (size_t i = 0; i < count; i++) {
        clear += image->rgba[4 * i + 3] < 128;
    }
    return clear > count / 100;
}

/* How far apart the colours of the two sides are: half of the way from black to white is all. */
static double separation(const struct work *work)
{
    double mean[2][3] = {{0}}, count[2] = {0}, sum = 0;

    for (size_t i = 0; i < work->count; i++) {
        for (size_t c = 0; c < 3; c++) {
            mean[work->on[i]][c] += work->image->rgba[4 * i + c];
        }
        count[work->on[i]]++;
    }
    if (count[0] < 1 || count[1] < 1) {
        return 0;
    }
    for (size_t c = 0; c < 3; c++) {
        double d = mean[0][c] / count[0] - mean[1][c] / count[1];

        sum += d * d;
    }
    return fmin(1, sqrt(sum / 3) / 64);
}

static void measure(const struct work *work, struct mask *mask)
{
    size_t area = 0, edges = 0;
    uint32_t width = mask->width;

    for (size_t i = 0; i < work->count; i++) {
        area += work->on[i];
        edges += i % width > 0 && work->on[i] != work->on[i - 1];
        edges += i >= width && work->on[i] != work->on[i - width];
    }
    mask->coverage = (double)area / (double)work->count;
    mask->separation = separation(work);
    /* A circle's outline along pixel edges is 8 r = 8 sqrt(area / pi). */
    mask->smoothness =
        edges > 0 ? fmin(1, 8 * sqrt((double)area / 3.14159265358979) / (double)edges) : 1;
}

static void find(struct work *work, struct mask *mask)
{
    if (has_transparency(work->image)) {
        for (size_t i = 0; i < work->count; i++) {
            work->on[i] = work->image->rgba[4 * i + 3] >= 128;
        }
    } else {
        struct clusters back, front;

        mark_border(work);
        cluster_side(&back, work, 0); /* the border says what background is, once and for all */
        drop_rare(&back, 0.15);
        for (int i = 0; i < ROUNDS; i++) {
            cluster_side(&front, work, 1);
            assign(work, &back, &front);
        }
    }
    mask->repairs.islands_removed = clean(work, 1);
    mask->repairs.holes_filled = clean(work, 0);
    measure(work, mask);
}

int mask_find(const struct image *image, struct mask *ret, struct svc_error *err)
{
    size_t count = (size_t)image->width * image->height;
    struct work work = {.image = image, .count = count};
    struct mask mask = {.width = image->width, .height = image->height};

    work.on = calloc(count, 1);
    work.stack = calloc(count, sizeof(*work.stack));
    work.label = calloc(count, sizeof(*work.label));
    work.turns = calloc(count + 1, 1);
    if (work.on != NULL && work.stack != NULL && work.label != NULL && work.turns != NULL) {
        find(&work, &mask);
    } else {
        free(work.on);
        work.on = NULL;
    }
    free(work.stack);
    free(work.label);
    free(work.turns);
    if (work.on == NULL) {
        return svc_fail(err, -ENOMEM, "background: out of memory: try a smaller image");
    }
    mask.on = work.on;
    *ret = mask;
    return 0;
}

void mask_done(struct mask *mask)
{
    free(mask->on);
    *mask = (struct mask){0};
}

double mask_score(const struct mask *mask)
{
    /* A subject between a twentieth and nine tenths of the picture is what one expects. */
    double fit = mask->coverage < 0.05  ? mask->coverage / 0.05
                 : mask->coverage > 0.9 ? (1 - mask->coverage) / 0.1
                                        : 1;

    return fit * (0.6 * mask->separation + 0.4 * mask->smoothness);
}
