/*
 * am_mail: e-mails as text: header values that cannot add headers, addresses, bodies that any
 * server passes on. Reference: RFC 5322, 2045 and 2047, and what Go's mime packages make of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* am_mail_word appends a header's value: as it is where it is printable ASCII, else in encoded
 * words
 * (=?utf-8?q?...?=), in which line breaks are =0D=0A. */
void am_mail_word(struct buf *buf, str value);

/* am_mail_quoted appends text as quoted-printable, with CRLF for each line break. */
void am_mail_quoted(struct buf *buf, str text);

/* am_mail_name is a header's name as canonical MIME has it, "Message-Id"; false when it is none. */
bool am_mail_name(struct arena *arena, str name, str *ret);

/* am_mail_addresses takes the bare addresses out of "Ops <ops@example.com>, b@example.com". Fails
 * with BARO_EPARSE; at most AM_MAIL_ADDRESSES_MAX. */
enum { AM_MAIL_ADDRESSES_MAX = 1000 };
int am_mail_addresses(struct arena *arena, str list, const str **ret, size_t *ret_count,
                      struct baro_error *err);
