/* url_escape: text made safe inside URLs and forms. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* url_query_escape appends text as Go's url.QueryEscape does: letters, digits, -_.~ as they are, a
 * space as '+', every other byte as %XX. */
void url_query_escape(struct buf *buf, str text);
