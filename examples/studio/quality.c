#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

#include "studio.h"

/* Beds of common printers are 250 mm a side. */
#define PRINTER_SIDE_MM 250.0

static const struct {
    double least; /* of the overall score */
    const char *name;
} grades[] = {{0.95, "A+"}, {0.9, "A"}, {0.85, "B+"}, {0.75, "B"},
              {0.6, "C"},   {0.4, "D"}, {-1, "F"}};

static void fault_of(orfeas_quality_stage stage, const char *issue)
{
    orfeas_quality_validation_failures_total_inc(stage, issue);
}

static void check_mask(const struct mask *mask)
{
    if (mask->coverage < 0.02) {
        fault_of(ORFEAS_QUALITY_STAGE_BG_REMOVAL, "subject_too_small");
    }
    if (mask->coverage > 0.95) {
        fault_of(ORFEAS_QUALITY_STAGE_BG_REMOVAL, "subject_too_large");
    }
    if (mask->separation < 0.25) {
        fault_of(ORFEAS_QUALITY_STAGE_BG_REMOVAL, "low_contrast");
    }
}

static void check_shape(const struct relief *relief, const struct mesh_report *mesh)
{
    if (!mesh->is_manifold) {
        fault_of(ORFEAS_QUALITY_STAGE_SHAPE, "not_manifold");
    }
    if (relief->height_mm < 0.5) {
        fault_of(ORFEAS_QUALITY_STAGE_SHAPE, "flat");
    }
    if (mesh->flat_triangles > 0) {
        fault_of(ORFEAS_QUALITY_STAGE_SHAPE, "degenerate_triangles");
    }
}

static void check_texture(const struct texture_report *texture)
{
    if (texture->contrast < 0.2) {
        fault_of(ORFEAS_QUALITY_STAGE_TEXTURE, "low_contrast");
    }
    if (texture->sharpness < 0.02) {
        fault_of(ORFEAS_QUALITY_STAGE_TEXTURE, "blurred");
    }
}

static bool check_printable(const struct relief *relief, const struct mesh_report *mesh)
{
    bool fits = true;

    for (size_t k = 0; k < 3; k++) {
        fits = fits && (double)mesh->high[k] - (double)mesh->low[k] <= PRINTER_SIDE_MM;
    }
    if (!fits) {
        fault_of(ORFEAS_QUALITY_STAGE_FINAL, "too_large_for_printer");
    }
    if (relief->thickness_mm < RELIEF_THICKNESS_MIN_MM - 1e-6) {
        fault_of(ORFEAS_QUALITY_STAGE_FINAL, "too_thin");
        fits = false;
    }
    if (!mesh->is_manifold || mesh->volume <= 0) {
        fault_of(ORFEAS_QUALITY_STAGE_FINAL, "not_watertight");
        fits = false;
    }
    return fits;
}

static void count_repairs(const struct quality_input *input)
{
    const struct {
        const char *type;
        unsigned count;
    } repairs[] = {
        {"island_removed", input->mask->repairs.islands_removed},
        {"hole_filled", input->mask->repairs.holes_filled},
        {"diagonal_bridge", input->relief->repairs.diagonal_bridges},
        {"thin_wall", input->relief->repairs.thin_walls},
        {"texture_filled", input->texture->filled},
    };

    for (size_t i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
        if (repairs[i].count > 0) {
            orfeas_quality_auto_repairs_total_add(repairs[i].type, repairs[i].count);
        }
    }
}

void quality_judge(struct studio *studio, const struct quality_input *input, struct job_scores *ret)
{
    const struct mesh_report *mesh = input->mesh;
    size_t grade = 0;

    (void)studio;
    check_mask(input->mask);
    check_shape(input->relief, mesh);
    check_texture(input->texture);
    count_repairs(input);
    *ret = (struct job_scores){
        .bg_removal = mask_score(input->mask),
        .shape = relief_score(input->relief, mesh),
        .texture = texture_score(input->texture),
        .is_manifold = mesh->is_manifold,
        .is_printable = check_printable(input->relief, mesh),
        .volume_mm3 = mesh->volume,
    };
    ret->final = (ret->is_printable ? 0.7 : 0) + 0.3 * mesh->shape;
    ret->overall = 0.2 * ret->bg_removal + 0.4 * ret->shape + 0.2 * ret->texture + 0.2 * ret->final;
    while (ret->overall < grades[grade].least) {
        grade++;
    }
    (void)snprintf(ret->grade, sizeof(ret->grade), "%s", grades[grade].name);
}

static void count_thresholds(double overall)
{
    static const struct {
        double least;
        const char *name;
    } thresholds[] = {{0.5, "0.5"}, {0.7, "0.7"}, {0.8, "0.8"}, {0.9, "0.9"}};

    for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
        if (overall >= thresholds[i].least) {
            orfeas_quality_threshold_passes_total_inc(thresholds[i].name);
        }
    }
}

void quality_publish(struct studio *studio, const struct job_scores *scores)
{
    orfeas_quality_grade_total_grade grade;
    uint64_t meshes = atomic_fetch_add(&studio->meshes, 1) + 1;
    uint64_t manifold =
        atomic_fetch_add(&studio->manifold_meshes, scores->is_manifold) + scores->is_manifold;
    uint64_t printable =
        atomic_fetch_add(&studio->printable_meshes, scores->is_printable) + scores->is_printable;

    orfeas_quality_bg_removal_score_set(scores->bg_removal);
    orfeas_quality_shape_score_set(scores->shape);
    orfeas_quality_texture_score_set(scores->texture);
    orfeas_quality_final_score_set(scores->final);
    orfeas_quality_overall_score_set(scores->overall);
    orfeas_generation_quality_score_observe(scores->overall);
    orfeas_quality_score_distribution_observe(ORFEAS_QUALITY_STAGE_BG_REMOVAL, scores->bg_removal);
    orfeas_quality_score_distribution_observe(ORFEAS_QUALITY_STAGE_SHAPE, scores->shape);
    orfeas_quality_score_distribution_observe(ORFEAS_QUALITY_STAGE_TEXTURE, scores->texture);
    orfeas_quality_score_distribution_observe(ORFEAS_QUALITY_STAGE_FINAL, scores->final);
    if (orfeas_quality_grade_total_grade_from(scores->grade, &grade)) {
        orfeas_quality_grade_total_inc(grade);
    }
    count_thresholds(scores->overall);
    orfeas_quality_manifold_rate_set(100.0 * (double)manifold / (double)meshes);
    orfeas_quality_printable_rate_set(100.0 * (double)printable / (double)meshes);
}
