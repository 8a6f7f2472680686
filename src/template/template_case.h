/* template_case: upper, lower and title case of UTF-8 text, of all scripts that the C library
 * knows. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* Ill-formed bytes become U+FFFD, as in Go. */
void template_upper(struct buf *buf, str text);
void template_lower(struct buf *buf, str text);

/* template_title makes the first letter of each word a capital and the others small, as Go's
 * cases.Title. */
void template_title(struct buf *buf, str text);
