/*
 * white_space: what Unicode calls white space, in UTF-8. Texts that people type hold spaces beyond
 * ASCII's.
 */
#pragma once

#include "base/str.h"

/* white_space_len is the bytes of the space that the text begins with; 0 = none. */
size_t white_space_len(str text);

/* white_space_trim leaves out spaces at both ends. */
str white_space_trim(str text);
