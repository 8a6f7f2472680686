/* page: the bytes of page.html, made into C at build time by tools/embed.py. */
#pragma once

#include <stddef.h>

extern const unsigned char page_html[];
extern const size_t page_html_bytes;
