#include "app/junit.h"

#include "base/rfc3339.h"

/* Characters that XML cannot have become U+FFFD, as Go's encoder does it. */
static void put_text(struct buf *out, str text)
{
    while (text.len > 0) {
        uint32_t rune = 0; /* of what is no UTF-8 */
        size_t bytes = utf8_decode(text, &rune);

        switch (rune) {
        case '&':
            buf_c(out, "&amp;");
            break;
        case '<':
            buf_c(out, "&lt;");
            break;
        case '>':
            buf_c(out, "&gt;");
            break;
        case '"':
            buf_c(out, "&#34;");
            break;
        case '\n':
            buf_c(out, "&#xA;");
            break;
        case '\t':
            buf_c(out, "&#x9;");
            break;
        default:
            if (bytes == 0 || rune < ' ' || rune == 0xFFFE || rune == 0xFFFF) {
                buf_c(out, "\xEF\xBF\xBD");
            } else {
                buf_str(out, str_slice(text, 0, bytes));
            }
        }
        text = str_from_index(text, bytes > 0 ? bytes : 1);
    }
}

static void put_attribute(struct buf *out, const char *name, str value)
{
    buf_printf(out, " %s=\"", name);
    put_text(out, value);
    buf_char(out, '"');
}

static void end_suite(struct junit *junit)
{
    if (!junit->open) {
        return;
    }
    buf_c(&junit->suites, "<testsuite");
    put_attribute(&junit->suites, "name", buf_view(&junit->name));
    buf_printf(&junit->suites,
               " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" timestamp=\"",
               junit->tests, junit->failures, junit->errors);
    rfc3339_format(&junit->suites, (ts)junit->began * 1000);
    buf_c(&junit->suites, "\">");
    buf_str(&junit->suites, buf_view(&junit->cases));
    buf_c(&junit->suites, "</testsuite>");
    junit->open = false;
}

void junit_suite(struct junit *junit, str name, time_t now)
{
    end_suite(junit);
    junit->name.len = 0;
    junit->cases.len = 0;
    junit->tests = junit->failures = junit->errors = 0;
    junit->began = now;
    junit->open = true;
    buf_str(&junit->name, name);
}

static void put_case(struct junit *junit, str name, const char *element, str text)
{
    buf_c(&junit->cases, "<testcase");
    put_attribute(&junit->cases, "name", name);
    buf_char(&junit->cases, '>');
    if (text.len > 0) {
        buf_printf(&junit->cases, "<%s>", element);
        put_text(&junit->cases, text);
        buf_printf(&junit->cases, "</%s>", element);
    }
    buf_c(&junit->cases, "</testcase>");
    junit->tests++;
}

void junit_case(struct junit *junit, str name, str failed)
{
    put_case(junit, name, "failure", failed);
    junit->failures += failed.len > 0;
}

void junit_abort(struct junit *junit, str error)
{
    put_case(junit, STR("unknown"), "error", error);
    junit->errors++;
}

void junit_write(struct junit *junit, struct buf *out)
{
    end_suite(junit);
    buf_c(out, "<testsuites>");
    buf_str(out, buf_view(&junit->suites));
    buf_c(out, "</testsuites>\n");
}

void junit_done(struct junit *junit)
{
    buf_done(&junit->suites);
    buf_done(&junit->name);
    buf_done(&junit->cases);
}
