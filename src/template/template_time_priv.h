/* template_time_priv: what printing and reading of times share. */
#pragma once

#include "template/template_time.h"

extern const char *const template_months[12];
extern const char *const template_days[7]; /* from Sunday on */

/* What a piece of a layout stands for. */
enum piece {
    PIECE_LONG_MONTH,
    PIECE_MONTH,
    PIECE_LONG_DAY,
    PIECE_DAY_NAME,
    PIECE_YEAR,
    PIECE_YEAR2,
    PIECE_MONTH2,
    PIECE_MONTH1,
    PIECE_YDAY,
    PIECE_DAY2,
    PIECE_DAY_SPACE,
    PIECE_DAY1,
    PIECE_HOUR24,
    PIECE_HOUR12_2,
    PIECE_HOUR12,
    PIECE_MINUTE2,
    PIECE_MINUTE,
    PIECE_SECOND2,
    PIECE_SECOND,
    PIECE_PM,
    PIECE_PM_LOWER,
    PIECE_ZONE,
    PIECE_Z,
    PIECE_Z_COLON,
    PIECE_OFFSET_SECONDS_COLON,
    PIECE_OFFSET_SECONDS,
    PIECE_OFFSET_COLON,
    PIECE_OFFSET,
    PIECE_OFFSET_HOURS,
    PIECE_FRACTION_ZEROS,
    PIECE_FRACTION,
    PIECE_NONE,
};

/* template_time_piece is the piece at the start of the layout, and its length; PIECE_NONE for one
 * plain byte. */
enum piece template_time_piece(str layout, size_t *ret_length);
