/*
 * paint: a picture from words, by procedure: the words' hash is the seed, known colour words set
 * the palette, and the style sets what is done with noise and shapes. The same words give the same
 * picture, on every machine.
 */
#pragma once

#include "image.h"

enum paint_style {
    PAINT_ABSTRACT,   /* cells of colour */
    PAINT_CARTOON,    /* few colours, dark outlines */
    PAINT_PIXEL,      /* big pixels */
    PAINT_REALISTIC,  /* a lit, rounded body */
    PAINT_WATERCOLOR, /* washes on paper */
    PAINT_STYLE_COUNT,
};

const char *paint_style_name(enum paint_style style);
/* paint_style_find returns PAINT_STYLE_COUNT for a name that is none. */
enum paint_style paint_style_find(const char *name);

struct paint_options {
    const char *prompt;
    enum paint_style style;
    uint32_t width, height; /* 64 .. 1024 */
    uint32_t seed;          /* another picture for the same words */
};

int paint(const struct paint_options *options, struct image *ret, struct svc_error *err);
