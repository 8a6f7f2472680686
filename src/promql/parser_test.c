#include "promql/parser.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "promql/ast_json.h"
#include "testing/test.h"

static const struct promql_features all_features = {true, true, true, true, true, true, true};
static const struct promql_features no_features;

static int parse(struct arena *arena, const char *text, const struct promql_features *features,
                 struct expr **ret, struct baro_error *err)
{
    return promql_parse(arena, str_from(text), features, ret, err);
}

/* Expressions, and how they are printed; NULL where that is the same. */
static const struct {
    const char *text;
    const char *printed;
} good[] = {
    {"1", NULL},
    {"1.5e3", "1500"},
    {"0x1F", "31"},
    {"0X_1f", "31"},
    {"0755", "493"},
    {"08", "8"},
    {"1_000_000", "1000000"},
    {"1_000.5", "1000.5"},
    {".5", "0.5"},
    {"5.", "5"},
    {"1e-7", "0.0000001"},
    {"Inf", "+Inf"},
    {"-inf", "-Inf"},
    {"+INF", "+Inf"},
    {"nan", "NaN"},
    {"NaN", NULL},
    {"9223372036854775808", "9223372036854776000"},
    {"5m", NULL},
    {"1h30m", NULL},
    {"-90s", "-1m30s"},
    {"+1d", "1d"},
    {"500ms", NULL},
    {"1s1ms", NULL},
    {"1w2d", "9d"},
    {"--1", "1"},
    {"-+-1", "1"},
    {"\"text\"", NULL},
    {"'it\\'s'", "\"it's\""},
    {"`raw \\n`", "\"raw \\\\n\""},
    {"\"a\\tb\\x41\\101\\u00e9\\U0001F600\"", "\"a\\tbAA\xc3\xa9\xf0\x9f\x98\x80\""},
    {"\"quote\\\" and \\\\\"", NULL},
    {"'\\a\\b\\f\\n\\r\\t\\v'", "\"\\a\\b\\f\\n\\r\\t\\v\""},
    {"up", NULL},
    {"job:up:sum", NULL},
    {":leading", NULL},
    {"up # the end", "up"},
    {"# first\nup", "up"},
    {"up{}", "up"},
    {"up{job=\"a\"}", NULL},
    {"up{job=\"a\",}", "up{job=\"a\"}"},
    {"up{z=\"1\", a!=\"2\", m=~\"x|y\", b!~\"q.*\"}", "up{a!=\"2\",b!~\"q.*\",m=~\"x|y\",z=\"1\"}"},
    {"{__name__=\"up\"}", NULL},
    {"{\"up\"}", "{__name__=\"up\"}"},
    {"{\"my metric\", \"la bel\"=\"v\"}", "{\"la bel\"=\"v\",__name__=\"my metric\"}"},
    {"{'with.dots', job=~`a.b`}", "{__name__=\"with.dots\",job=~\"a.b\"}"},
    {"{__name__=~\"a.*\", sum=\"x\", by=\"y\", on=\"z\"}",
     "{__name__=~\"a.*\",by=\"y\",on=\"z\",sum=\"x\"}"},
    {"{a=\"\", b=\"x\"}", "{a=\"\",b=\"x\"}"},
    {"sum", NULL},
    {"sum{a=\"b\"}", NULL},
    {"offset", NULL},
    {"by + without", NULL},
    {"start", NULL},
    {"end + step + range", NULL},
    {"min_of", NULL},
    {"fill + fill_left", NULL},
    {"anchored", NULL},
    {"foo * sum", NULL},
    {"and and and", NULL},
    {"up[5m]", NULL},
    {"up [ 5m ]", "up[5m]"},
    {"up[300]", "up[5m]"},
    {"up[0x10]", "up[16s]"},
    {"up[1.5]", "up[1s500ms]"},
    {"up{a=\"b\"}[1d12h]", "up{a=\"b\"}[36h]"},
    {"up offset 5m", NULL},
    {"up OFFSET -5m", "up offset -5m"},
    {"up offset 60", "up offset 1m"},
    {"up offset 0", "up"},
    {"up[5m] offset 1h", NULL},
    {"up @ 100", "up @ 100.000"},
    {"up @ -1.5", "up @ -1.500"},
    {"up @ +0.0005", "up @ 0.001"},
    {"up @ 5m", "up @ 300.000"},
    {"up @ start()", NULL},
    {"up @ end() offset 5m", NULL},
    {"up offset 5m @ end()", "up @ end() offset 5m"},
    {"up[5m] @ 10 offset 1m", "up[5m] @ 10.000 offset 1m"},
    {"up[5m:]", NULL},
    {"up[5m:1m]", NULL},
    {"up[5m : 1m] offset 1m @ 3", "up[5m:1m] @ 3.000 offset 1m"},
    {"rate(up[5m])[1h:30s]", NULL},
    {"max_over_time(rate(up[1m])[10m:])[1h:5m]", NULL},
    {"(up)[5m:1m]", NULL},
    {"time()", NULL},
    {"vector(1)", NULL},
    {"round(up)", NULL},
    {"round(up, 5)", NULL},
    {"hour()", NULL},
    {"label_join(up, \"d\", \",\")", NULL},
    {"label_join(up, \"d\", \",\", \"a\", \"b\", \"c\")", NULL},
    {"label_replace(up, 'a', '$1', 'b', '(.*)')",
     "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")"},
    {"sum(up)", NULL},
    {"SUM(up)", "sum(up)"},
    {"sum by () (up)", "sum(up)"},
    {"sum by(a, b)(up)", "sum by (a, b) (up)"},
    {"sum(up) by (a,)", "sum by (a) (up)"},
    {"sum without() (up)", "sum without () (up)"},
    {"avg(up) without (\"a b\", c)", "avg without (\"a b\", c) (up)"},
    {"sum by (on, bool, group_left, offset, sum, start, atan2) (up)", NULL},
    {"topk(5, up)", NULL},
    {"topk by (a) (scalar(up), up)", NULL},
    {"quantile(0.9, up)", NULL},
    {"count_values(\"v\", up)", NULL},
    {"limitk(2, up)", NULL},
    {"limit_ratio(-0.5, up)", NULL},
    {"1 + 2 * 3", NULL},
    {"(1 + 2) * 3", NULL},
    {"2 ^ 3 ^ 2", NULL},
    {"-1 ^ 2", NULL},
    {"-up", NULL},
    {"-(up)", NULL},
    {"+up", NULL},
    {"- up * 2", "-up * 2"},
    {"1 == bool 2", NULL},
    {"up > 1", NULL},
    {"up >= bool 1", NULL},
    {"up != up", NULL},
    {"a atan2 b", NULL},
    {"a % b", NULL},
    {"a </ 5", NULL},
    {"a >/ b", NULL},
    {"a and b or c unless d", NULL},
    {"a + on(x) b", "a + on (x) b"},
    {"a + on() b", "a + on () b"},
    {"a + ignoring() b", "a + b"},
    {"a + ignoring(x,y) b", "a + ignoring (x, y) b"},
    {"a / on(x) group_left b", "a / on (x) group_left () b"},
    {"a / on(x) group_left(y) b", "a / on (x) group_left (y) b"},
    {"a * ignoring() group_right(\"z z\") b", "a * ignoring () group_right (\"z z\") b"},
    {"a == bool on(x) group_right(y) b", "a == bool on (x) group_right (y) b"},
    {"a + fill(0) b", "a + fill (0) b"},
    {"a + on (x) fill_left(-1) fill_right(2m) b", "a + on (x) fill_left (-1) fill_right (120) b"},
    {"a + fill_right(1e6) fill_left (+2) b", "a + fill_left (2) fill_right (1e+06) b"},
    {"up[5m] anchored", NULL},
    {"up[5m] smoothed offset 5m", NULL},
    {"rate(up[5m] anchored @ 5)", "rate(up[5m] anchored @ 5.000)"},
    {"up smoothed", NULL},
    {"up[5m+1m]", "up[5m + 1m]"},
    {"up[5m*(1+2)]", "up[5m * (1 + 2)]"},
    {"up[(5m)]", "up[5m]"},
    {"up[-5m+10m]", "up[-5m + 10m]"},
    {"up[-2^2+10m]", "up[-2 ^ 2 + 10m]"},
    {"up[step()]", NULL},
    {"up[range()+step()*2]", "up[range() + step() * 2]"},
    {"up[max_of(min_of(step()+1,1h),1ms)]", "up[max_of(min_of(step() + 1, 1h), 1ms)]"},
    {"up[5m:step()]", NULL},
    {"up[1m*5:2^3]", "up[1m * 5:2 ^ 3]"},
    {"up offset (5m+1m)", "up offset (5m + 1m)"},
    {"up offset -(5m+1m)", "up offset -(5m + 1m)"},
    {"up offset step()", NULL},
    {"up offset -step()", NULL},
    {"up offset -min_of(1m,2m)", "up offset -min_of(1m, 2m)"},
    {"up offset 5m+1m", "up offset 5m + 1m"},
    {"up offset -2^2", "up offset -2s ^ 2"},
    {"up offset step()*2", "up offset step() * 2"},
    {"up offset (1m)*2", "up offset (1m) * 2"},
    {"info(up)", NULL},
    {"info(up, {a=~\".*\"})", NULL},
    {"info(up, {__name__=\"x_info\"})", NULL},
    {"step() + start() + end() + range()", NULL},
    {"min_of(1, 2) + max_of(3, 4)", NULL},
    {"foo[5m] @ start()", "foo[5m] @ start()"},
    {"{a=\"b\"} + {c=\"d\"}", NULL},
    {"sum(a) / sum(b) * 100 > 5", NULL},
    {"absent(up{job=\"x\"} offset 1m)", NULL},
    {"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
     NULL},
};

TEST(parser_prints_what_it_reads)
{
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        const char *want = good[i].printed != NULL ? good[i].printed : good[i].text;
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;
        struct expr *again = NULL;
        struct buf once = {0};
        struct buf twice = {0};

        test_row(good[i].text);
        assert_ok(parse(&arena, good[i].text, &all_features, &expr, &err), &err);
        promql_print(&once, expr);
        assert_str_equal(buf_view(&once), str_from(want));
        assert_ok(promql_parse(&arena, buf_view(&once), &all_features, &again, &err), &err);
        promql_print(&twice, again);
        assert_str_equal(buf_view(&twice), buf_view(&once));
        promql_expr_done(expr);
        promql_expr_done(again);
        buf_done(&once);
        buf_done(&twice);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* Refused expressions with everything switched on, with the message that Prometheus gives. */
static const struct {
    const char *text;
    const char *message;
} bad[] = {
    {"", "1:1: parse error: no expression found in input"},
    {"# only a comment", "1:1: parse error: no expression found in input"},
    {".", "1:1: parse error: unexpected character: '.'"},
    {"2.5.", "1:1: parse error: bad number or duration syntax: \"2.5.\""},
    {"100..4", "1:1: parse error: bad number or duration syntax: \"100..\""},
    {"0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""},
    {"1e400",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value "
     "out of range"},
    {"1 /", "1:4: parse error: unexpected end of input"},
    {"*1", "1:1: parse error: unexpected <op:*>"},
    {"(1))", "1:5: parse error: unexpected right parenthesis ')'"},
    {"((1)", "1:5: parse error: unclosed left parenthesis"},
    {"(", "1:2: parse error: unclosed left parenthesis"},
    {"()", "1:2: parse error: unexpected \")\""},
    {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
    {"1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"},
    {"1 =~ 1", "1:3: parse error: unexpected character after '=': '~'"},
    {"-\"string\"", "1:1: parse error: unary expression only allowed on expressions of type scalar "
                    "or instant vector, got \"string\""},
    {"-test[5m]",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or "
     "instant vector, got \"range vector\""},
    {"\n\n1 + \"a\"", "3:5: parse error: binary expression must contain only scalar and instant "
                      "vector types"},
    {"*test", "1:1: parse error: unexpected <op:*>"},
    {"1 offset 1d", "1:1: parse error: offset modifier must be preceded by an instant vector "
                    "selector or range vector selector or a subquery"},
    {"foo offset 1s offset 2s", "1:1: parse error: offset may not be set multiple times"},
    {"foo offset", "1:11: parse error: unexpected end of input in offset, expected number, "
                   "duration, step(), or range()"},
    {"foo offset nan", "1:12: parse error: duration out of range"},
    {"foo offset x", "1:12: parse error: unexpected identifier \"x\" in offset, expected number, "
                     "duration, step(), or range()"},
    {"a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>"},
    {"foo and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"1 unless foo",
     "1:1: parse error: set operator \"unless\" not allowed in binary scalar expression"},
    {"1 or on(bar) foo", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"foo == on(bar) 10", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"foo + group_left(baz) bar", "1:7: parse error: unexpected <group_left>"},
    {"foo and on(bar) group_left(baz) bar",
     "1:1: parse error: no grouping allowed for \"and\" operation"},
    {"a * on(x) group_left(x) b",
     "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
    {"foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"},
    {"foo + bool 10", "1:5: parse error: bool modifier can only be used on comparison operators"},
    {"a and fill(1) b",
     "1:1: parse error: filling in missing series not allowed for set operators"},
    {"a + fill(1) 2", "1:1: parse error: filling in missing series only allowed between instant "
                      "vectors"},
    {"a + fill(x) b", "1:10: parse error: unexpected identifier \"x\""},
    {"{", "1:2: parse error: unexpected end of input inside braces"},
    {"}", "1:1: parse error: unexpected character: '}'"},
    {"some{", "1:6: parse error: unexpected end of input inside braces"},
    {"some}", "1:5: parse error: unexpected character: '}'"},
    {"some_metric{a=b}",
     "1:15: parse error: unexpected identifier \"b\" in label matching, expected string"},
    {"some_metric{a:b=\"b\"}", "1:14: parse error: unexpected character inside braces: ':'"},
    {"foo{a*\"b\"}", "1:6: parse error: unexpected character inside braces: '*'"},
    {"foo{a>=\"b\"}", "1:6: parse error: unexpected character inside braces: '>'"},
    {"some_metric{a=\"\xff\"}", "1:15: parse error: invalid UTF-8 rune"},
    {"foo{gibberish}", "1:14: parse error: unexpected \"}\" in label matching, expected label "
                       "matching operator"},
    {"foo{1}", "1:5: parse error: unexpected character inside braces: '1'"},
    {"foo{a=\"b\" c=\"d\"}",
     "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
    {"foo{,}",
     "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"foo{a!(\"b\"}", "1:6: parse error: unexpected character after '!' inside braces: '('"},
    {"foo{{}}", "1:5: parse error: unexpected left brace '{'"},
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{x=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{x=~\".*\"}",
     "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{x!=\"a\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"foo{__name__=\"bar\"}",
     "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo[5mm]", "1:5: parse error: bad number or duration syntax: \"5mm\""},
    {"foo[5m1]", "1:5: parse error: bad number or duration syntax: \"5m1\""},
    {"foo[5m:1m1]", "1:8: parse error: bad number or duration syntax: \"1m1\""},
    {"foo[5y1hs]", "1:5: parse error: unknown unit \"hs\" in duration \"5y1hs\""},
    {"foo[\"5m\"]", "1:5: parse error: unexpected character in duration expression: '\"'"},
    {"foo[]", "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, "
              "duration, step(), or range()"},
    {"foo[5m", "1:7: parse error: unclosed left bracket"},
    {"foo[0m]", "1:5: parse error: duration must be greater than 0"},
    {"foo[0]", "1:5: parse error: duration must be greater than 0"},
    {"foo[-5m]", "1:5: parse error: duration must be greater than 0"},
    {"foo[5m:0s]", "1:8: parse error: duration must be greater than 0"},
    {"foo[5m:1m:1m]", "1:10: parse error: unexpected colon ':'"},
    {"foo[1m/0]", "1:7: parse error: division by zero"},
    {"foo[1m%0s]", "1:7: parse error: modulo by zero"},
    {"foo[5m x]", "1:8: parse error: unexpected character: 'x', expected ':'"},
    {"foo[[5m]]", "1:5: parse error: unexpected character in duration expression: '['"},
    {"foo[5m]]", "1:8: parse error: unexpected right bracket ']'"},
    {"foo]", "1:4: parse error: unexpected right bracket ']'"},
    {"foo[99999999999999999999y]", "1:5: parse error: duration out of range"},
    {"some_metric[5m] offset 1m offset 2m",
     "1:1: parse error: offset may not be set multiple times"},
    {"some_metric offset 1m[5m]", "1:22: parse error: no offset modifiers allowed before range"},
    {"some_metric @ 1234 [5m]", "1:20: parse error: no @ modifiers allowed before range"},
    {"some_metric @ start() [5m]", "1:23: parse error: no @ modifiers allowed before range"},
    {"some_metric offset step()[5m]",
     "1:26: parse error: no offset modifiers allowed before range"},
    {"(foo + bar)[5m]", "1:12: parse error: ranges only allowed for vector selectors"},
    {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"foo @ start() @ end()", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"foo @", "1:6: parse error: unexpected end of input in @, expected timestamp"},
    {"foo @ inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
    {"foo @ -inf", "1:1: parse error: timestamp out of bounds for @ modifier: -Inf"},
    {"foo @ nan", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"},
    {"foo @ 1e30", "1:1: parse error: timestamp out of bounds for @ modifier: "
                   "1000000000000000019884624838656.000000"},
    {"foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"},
    {"5 @ 1",
     "1:1: parse error: @ modifier must be preceded by an instant vector selector or range "
     "vector selector or a subquery"},
    {"\"foo\"[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got string "
                     "instead"},
    {"5[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
    {"foo[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix "
                     "instead"},
    {"foo[5m:] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"},
    {"5 smoothed", "1:1: parse error: smoothed modifier not implemented"},
    {"foo[5m] anchored smoothed",
     "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
    {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"sum(some_metric) by (test) without (x)", "1:28: parse error: unexpected <without>"},
    {"sum by(test) (some) by (test)", "1:21: parse error: unexpected <by>"},
    {"sum without(==)(some_metric)",
     "1:13: parse error: unexpected <op:==> in grouping opts, expected label"},
    {"sum without(,)(some_metric)",
     "1:13: parse error: unexpected \",\" in grouping opts, expected label"},
    {"sum by without (some_metric)",
     "1:8: parse error: unexpected <without> in grouping opts, expected \"(\""},
    {"sum by (a b) (c)",
     "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"sum by (\"\") (c)", "1:9: parse error: invalid label name for grouping: \"\""},
    {"sum (some_metric) by test",
     "1:22: parse error: unexpected identifier \"test\" in grouping opts, expected \"(\""},
    {"topk(some_metric)", "1:1: parse error: wrong number of arguments for aggregate expression "
                          "provided, expected 2, got 1"},
    {"sum(a, b)", "1:1: parse error: wrong number of arguments for aggregate expression provided, "
                  "expected 1, got 2"},
    {"topk(some_metric, other)",
     "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
    {"count_values(5, other)",
     "1:14: parse error: expected type string in aggregation parameter, got scalar"},
    {"sum(5)", "1:5: parse error: expected type instant vector in aggregation expression, got "
               "scalar"},
    {"sum(foo 1)", "1:9: parse error: unexpected number \"1\" in aggregation"},
    {"floor()", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0"},
    {"floor(a, b)", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 2"},
    {"floor(1)",
     "1:7: parse error: expected type instant vector in call to function \"floor\", got scalar"},
    {"hour(a, b, c)",
     "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 3"},
    {"time(a)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"},
    {"label_join(a)",
     "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", "
     "got 1"},
    {"rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got "
                  "instant vector"},
    {"non_existent(1)", "1:1: parse error: unknown function with name \"non_existent\""},
    {"Rate(foo[1m])", "1:1: parse error: unknown function with name \"Rate\""},
    {"label_replace(a, `b`, `c`, `d`, `.*`,)",
     "1:37: parse error: trailing commas not allowed in function call args"},
    {"abs(,)", "1:5: parse error: unexpected \",\""},
    {"info(a, b)", "1:9: parse error: expected label selectors only, got vector selector instead"},
    {"info(a, (b))", "1:9: parse error: expected label selectors only"},
    {"info(a, 5)",
     "1:1: parse error: expected type instant vector in call to function \"info\", got "
     "scalar"},
    {"\"unterminated", "1:1: parse error: unterminated quoted string"},
    {"\"line\nbreak\"", "1:1: parse error: unterminated quoted string"},
    {"`raw", "1:1: parse error: unterminated raw string"},
    {"\"\\c\"", "1:1: parse error: unknown escape sequence U+0063 'c'"},
    {"\"\\x.\"", "1:1: parse error: illegal character U+002E '.' in escape sequence"},
    {"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\u12\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
    {"\"\\", "1:1: parse error: escape sequence not terminated"},
    {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
    {"foo \"a long string here\"", "1:5: parse error: unexpected string \"\\\"a long st\"..."},
    {"foo 5m", "1:5: parse error: unexpected duration \"5m\""},
    {"foo a:b", "1:5: parse error: unexpected metric identifier \"a:b\""},
    {"foo sum", "1:5: parse error: unexpected <aggr:sum>"},
    {"foo $", "1:5: parse error: unexpected character: '$'"},
    {"\xc3\xa9", "1:1: parse error: unexpected character: '\xc3\xa9'"},
    {"\"a\" + 1", "1:1: parse error: binary expression must contain only scalar and instant vector "
                  "types"},
    {"a[5m] + 1", "1:1: parse error: binary expression must contain only scalar and instant vector "
                  "types"},
    {"rate(foo[1m]) + on(a) group_left(b) on(c) d", "1:37: parse error: unexpected <on>"},
};

TEST(parser_refuses_with_message_and_position)
{
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;
        int r;

        test_row(bad[i].text);
        r = parse(&arena, bad[i].text, &all_features, &expr, &err);
        assert_int_equal(promql_error_prefix(r, &err), BARO_EPARSE);
        assert_null(expr);
        assert_str_equal(str_from(err.message), str_from(bad[i].message));
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(parser_refuses_what_is_not_enabled)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"limitk(1, up)", "limitk() is experimental and must be enabled with "
                          "--enable-feature=promql-experimental-functions"},
        {"info(up)", "function \"info\" is not enabled"},
        {"step()", "function \"step\" is not enabled"},
        {"up[5m+1m]", "experimental duration expression is not enabled"},
        {"up[(5m)]", "experimental duration expression is not enabled"},
        {"up offset step()", "experimental duration expression is not enabled"},
        {"up[5m] anchored", "anchored modifier is experimental and not enabled"},
        {"up[5m] smoothed", "smoothed modifier is experimental and not enabled"},
        {"a + fill(0) b", "binop fill modifiers are experimental and not enabled"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;

        test_row(cases[i].text);
        assert_int_equal(parse(&arena, cases[i].text, &no_features, &expr, &err), BARO_EPARSE);
        assert_str_equal(str_from(err.message), str_from(cases[i].message));
        assert_ok(parse(&arena, cases[i].text, &all_features, &expr, &err), &err);
        promql_expr_done(expr);
        arena_done(&arena);
    }
    test_row(NULL);
}

static void parse_repeated(const char *head, const char *unit, size_t times, const char *middle,
                           const char *tail, int want)
{
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;
    struct buf text = {0};
    struct buf printed = {0};

    buf_c(&text, head);
    for (size_t i = 0; i < times; i++) {
        buf_c(&text, unit);
    }
    buf_c(&text, middle);
    for (size_t i = 0; i < times && tail != NULL; i++) {
        buf_c(&text, tail);
    }
    assert_int_equal(promql_parse(&arena, buf_view(&text), &all_features, &expr, &err), want);
    if (want == 0) {
        promql_pretty(&printed, expr);
        promql_ast_json(&printed, expr);
        assert_false(printed.failed);
        promql_expr_done(expr);
    }
    buf_done(&text);
    buf_done(&printed);
    arena_done(&arena);
}

TEST(parser_bounds_depth_and_size)
{
    parse_repeated("", "(", 200, "1", ")", 0);
    parse_repeated("", "(", 100000, "1", ")", BARO_ELIMIT);
    parse_repeated("", "-", 100000, "a", NULL, BARO_ELIMIT);
    parse_repeated("", "sum(", 100000, "a", ")", BARO_ELIMIT);
    parse_repeated("1", "^1", 100000, "", NULL, BARO_ELIMIT);
    parse_repeated("1", "+1", 500, "", NULL, 0);
    parse_repeated("1", "+1", 100000, "", NULL, BARO_ELIMIT);
    parse_repeated("a", "[5m:]", 2, "", NULL, BARO_EPARSE);
    parse_repeated("a[", "(", 100000, "1m", ")", BARO_ELIMIT);
    parse_repeated("a[1m", "+1m", 100000, "]", NULL, BARO_ELIMIT);
    parse_repeated("a offset ", "-", 100000, "1m", NULL, BARO_ELIMIT);
    parse_repeated("{x=\"1\"", ",a=\"b\"", 2000, "}", NULL, BARO_EPARSE);
    parse_repeated("", " ", PROMQL_TEXT_MAX, "a", NULL, BARO_ELIMIT);
}

TEST(parser_gives_positions)
{
    static const struct {
        const char *text;
        uint32_t start;
        uint32_t end;
    } cases[] = {
        {"  up ", 2, 4},
        {"up{a=\"b\"} + 1", 0, 13},
        {" sum(up) ", 1, 8},
        {"sum(up) by (a) ", 0, 14},
        {"rate(up[5m]) ", 0, 12},
        {"up[5m] offset 1h ", 0, 16},
        {"up[5m:1m] @ end() ", 0, 17},
        {"up @ 5 ", 0, 6},
        {" - up", 1, 5},
        {" -5", 1, 3},
        {"(up) ", 0, 4},
        {"up smoothed ", 0, 2},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;

        test_row(cases[i].text);
        assert_ok(parse(&arena, cases[i].text, &all_features, &expr, &err), &err);
        assert_int_equal(expr->pos.start, cases[i].start);
        assert_int_equal(expr->pos.end, cases[i].end);
        promql_expr_done(expr);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* Operators, loosest first; an expression's shape shows in fully parenthesised form. */
static void print_shape(struct buf *buf, const struct expr *expr)
{
    if (expr->kind == EXPR_BINARY) {
        buf_char(buf, '(');
        print_shape(buf, expr->binary.lhs);
        buf_c(buf, binary_op_name(expr->binary.op));
        print_shape(buf, expr->binary.rhs);
        buf_char(buf, ')');
    } else if (expr->kind == EXPR_UNARY) {
        buf_c(buf, expr->unary.negative ? "-[" : "+[");
        print_shape(buf, expr->unary.expr);
        buf_char(buf, ']');
    } else {
        promql_print(buf, expr);
    }
}

TEST(parser_obeys_precedence)
{
    static const struct {
        const char *text;
        const char *shape;
    } cases[] = {
        {"a or b and c", "(aor(bandc))"},
        {"a unless b and c", "((aunlessb)andc)"},
        {"a and b == c", "(aand(b==c))"},
        {"a == b + c", "(a==(b+c))"},
        {"a + b * c - d", "((a+(b*c))-d)"},
        {"a * b / c % d atan2 e", "((((a*b)/c)%d)atan2e)"},
        {"a ^ b ^ c", "(a^(b^c))"},
        {"-a ^ b", "-[(a^b)]"},
        {"-a * b", "(-[a]*b)"},
        {"a * -b ^ c", "(a*-[(b^c)])"},
        {"a > b > c", "((a>b)>c)"},
        {"a </ b + c", "(a</(b+c))"},
        {"a offset -2 ^ b", "(a offset -2s^b)"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;
        struct buf shape = {0};

        test_row(cases[i].text);
        assert_ok(parse(&arena, cases[i].text, &all_features, &expr, &err), &err);
        print_shape(&shape, expr);
        assert_str_equal(buf_view(&shape), str_from(cases[i].shape));
        promql_expr_done(expr);
        buf_done(&shape);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(parser_fills_the_tree)
{
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;

    assert_ok(parse(&arena, "a{b=\"c\"}[90s] @ 1.5 offset -1m", &all_features, &expr, &err), &err);
    assert_int_equal(expr->kind, EXPR_MATRIX_SELECTOR);
    assert_int_equal(expr->type, VALUE_MATRIX);
    assert_int_equal(expr->matrix.range, 90000);
    assert_str_equal(expr->matrix.vector->vector.name, STR("a"));
    assert_int_equal(expr->matrix.vector->vector.matcher_count, 2);
    assert_int_equal(expr->matrix.vector->vector.mod.offset, -60000);
    assert_int_equal(expr->matrix.vector->vector.mod.at, AT_TIMESTAMP);
    assert_int_equal(expr->matrix.vector->vector.mod.at_ts, 1500);
    promql_expr_done(expr);

    assert_ok(parse(&arena, "a and b", &all_features, &expr, &err), &err);
    assert_int_equal(expr->binary.matching->card, CARD_MANY_TO_MANY);
    promql_expr_done(expr);

    assert_ok(parse(&arena, "1 + time()", &all_features, &expr, &err), &err);
    assert_int_equal(expr->type, VALUE_SCALAR);
    assert_null(expr->binary.matching);
    promql_expr_done(expr);
    arena_done(&arena);
}

TEST(parser_reads_selectors_and_metrics)
{
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;
    struct labels labels = {0};
    struct buf text = {0};

    assert_ok(promql_parse_selector(&arena, STR("up{a=~\"x.*\"}"), &expr, &err), &err);
    assert_int_equal(expr->vector.matcher_count, 2);
    promql_expr_done(expr);
    assert_ok(promql_parse_selector(&arena, STR("{}"), &expr, &err), &err);
    promql_expr_done(expr);
    assert_int_equal(promql_parse_selector(&arena, STR("up[5m]"), &expr, &err), BARO_EPARSE);
    assert_int_equal(promql_parse_selector(&arena, STR("up offset 5m"), &expr, &err), BARO_EPARSE);
    assert_int_equal(promql_parse_selector(&arena, STR("5"), &expr, &err), BARO_EPARSE);

    assert_ok(promql_parse_metric(&arena, STR("up{b='1', a=\"2\",}"), &labels, &err), &err);
    assert_int_equal(labels.count, 3);
    labels_format(&text, labels);
    assert_str_equal(buf_view(&text), STR("up{a=\"2\", b=\"1\"}"));
    assert_ok(promql_parse_metric(&arena, STR("{\"a.b\", c='d'}"), &labels, &err), &err);
    assert_str_equal(labels_get(labels, LABEL_METRIC_NAME), STR("a.b"));
    assert_ok(promql_parse_metric(&arena, STR("sum"), &labels, &err), &err);
    assert_ok(promql_parse_metric(&arena, STR("{}"), &labels, &err), &err);
    assert_int_equal(labels.count, 0);
    assert_int_equal(promql_parse_metric(&arena, STR("up{a=~\"x\"}"), &labels, &err), BARO_EPARSE);
    assert_str_equal(str_from(err.message), STR("unexpected <op:=~> in label set, expected \"=\""));
    assert_int_equal(promql_parse_metric(&arena, STR("up{a=}"), &labels, &err), BARO_EPARSE);
    assert_int_equal(promql_parse_metric(&arena, STR("up 5"), &labels, &err), BARO_EPARSE);
    buf_done(&text);
    arena_done(&arena);
}

static bool count_nodes(struct expr *node, void *context)
{
    size_t *count = context;

    (*count)++;
    return node->kind != EXPR_STRING;
}

TEST(parser_walks_all_nodes)
{
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;
    size_t count = 0;

    assert_ok(parse(&arena, "topk(2, -(rate(a[5m]) + max_over_time(abs(b)[5m:])))", &all_features,
                    &expr, &err),
              &err);
    assert_true(promql_expr_walk(expr, count_nodes, &count));
    /* topk, 2, -, (), +, rate, matrix, vector, max_over_time, subquery, abs, vector */
    assert_int_equal(count, 12);
    promql_expr_done(expr);
    count = 0;
    assert_ok(parse(&arena, "label_join(a, \"b\", \"c\")", &all_features, &expr, &err), &err);
    assert_false(promql_expr_walk(expr, count_nodes, &count));
    assert_int_equal(count, 3);
    promql_expr_done(expr);
    arena_done(&arena);
}

TEST(parser_survives_every_cut)
{
    /* Each prefix of each expression, and each with one byte replaced: no crash, no leak. */
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        str text = str_from(good[i].text);

        for (size_t cut = 0; cut < text.len; cut++) {
            struct arena arena = {0};
            struct expr *expr = NULL;
            char *changed = str_dup_c(text);

            if (promql_parse(&arena, str_slice(text, 0, cut), &all_features, &expr, NULL) >= 0) {
                promql_expr_done(expr);
            }
            changed[cut] = "({[\"'0a,:"[cut % 10];
            if (promql_parse(&arena, str_from(changed), &all_features, &expr, NULL) >= 0) {
                promql_expr_done(expr);
            }
            mem_free(changed);
            arena_done(&arena);
        }
    }
}

TEST(printer_splits_long_expressions)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"up", "up"},
        {"sum by (instance, job, handler, method2) "
         "(rate(http_request_duration_seconds_count{code=~\"5..\"}[5m]))",
         "sum by (instance, job, handler, method2) (\n"
         "  rate(http_request_duration_seconds_count{code=~\"5..\"}[5m])\n"
         ")"},
        {"topk(10, first_metric_with_quite_a_long_name / on (instance, job) group_left (version) "
         "second_metric_with_a_long_name)",
         "topk(\n"
         "  10,\n"
         "    first_metric_with_quite_a_long_name\n"
         "  / on (instance, job) group_left (version)\n"
         "    second_metric_with_a_long_name\n"
         ")"},
        {"-(first_metric_with_quite_a_long_name + second_metric_with_quite_a_long_name > bool "
         "third_metric_with_name)",
         "-(\n"
         "    first_metric_with_quite_a_long_name + second_metric_with_quite_a_long_name\n"
         "  > bool\n"
         "    third_metric_with_name\n"
         ")"},
        /* Prometheus does not indent a subquery that fits into a line. */
        {"max_over_time(sum by (instance, job) "
         "(rate(http_request_duration_seconds_count{code=\"500\"}[5m]))[30m:1m])",
         "max_over_time(\n"
         "sum by (instance, job) (rate(http_request_duration_seconds_count{code=\"500\"}[5m]))"
         "[30m:1m]\n"
         ")"},
        {"max_over_time(sum by (instance, job, handler, pod, zone) "
         "(rate(http_request_duration_seconds_count{code=\"500\"}[5m]))[30m:1m])",
         "max_over_time(\n"
         "  sum by (instance, job, handler, pod, zone) (\n"
         "    rate(http_request_duration_seconds_count{code=\"500\"}[5m])\n"
         "  )[30m:1m]\n"
         ")"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;
        struct buf printed = {0};

        test_row(cases[i].text);
        assert_ok(parse(&arena, cases[i].text, &all_features, &expr, &err), &err);
        promql_pretty(&printed, expr);
        assert_str_equal(buf_view(&printed), str_from(cases[i].want));
        promql_expr_done(expr);
        buf_done(&printed);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(ast_json_shows_the_tree)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"-5", "{\"type\":\"numberLiteral\",\"val\":\"-5\"}"},
        {"\"<a>\\n\"", "{\"type\":\"stringLiteral\",\"val\":\"\\u003ca\\u003e\\n\"}"},
        {"-(a)",
         "{\"expr\":{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"="
         "\","
         "\"value\":\"a\"}],\"name\":\"a\",\"offset\":0,\"smoothed\":false,\"startOrEnd\":null,"
         "\"timestamp\":null,\"type\":\"vectorSelector\"},\"type\":\"parenExpr\"},\"op\":\"-\","
         "\"type\":\"unaryExpr\"}"},
        {"a[5m] @ end() offset 1s", "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\","
                                    "\"type\":\"=\",\"value\":\"a\"}],"
                                    "\"name\":\"a\",\"offset\":1000,\"range\":300000,\"smoothed\":"
                                    "false,\"startOrEnd\":\"end\","
                                    "\"timestamp\":null,\"type\":\"matrixSelector\"}"},
        {"vector(1) > bool on (x) fill_left (2) vector(1)",
         "{\"bool\":true,\"lhs\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{"
         "\"argTypes\":[\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},"
         "\"type\":\"call\"},\"matching\":{\"card\":\"one-to-one\",\"fillValues\":{\"lhs\":2,"
         "\"rhs\":"
         "null},\"include\":[],\"labels\":[\"x\"],\"on\":true},\"op\":\"\\u003e\",\"rhs\":{"
         "\"args\":[{"
         "\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":[\"scalar\"],\"name\":"
         "\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":\"call\"},\"type\":"
         "\"binaryExpr\"}"},
        {"sum by (a) (vector(1))",
         "{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":["
         "\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":"
         "\"call\"},"
         "\"grouping\":[\"a\"],\"op\":\"sum\",\"param\":null,\"type\":\"aggregation\",\"without\":"
         "false}"},
        {"vector(1)[1m:30s] @ 2",
         "{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":["
         "\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":"
         "\"call\"},"
         "\"offset\":0,\"range\":60000,\"startOrEnd\":null,\"step\":30000,\"timestamp\":2000,"
         "\"type\":"
         "\"subquery\"}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct expr *expr = NULL;
        struct buf json = {0};

        test_row(cases[i].text);
        assert_ok(parse(&arena, cases[i].text, &all_features, &expr, &err), &err);
        promql_ast_json(&json, expr);
        assert_str_equal(buf_view(&json), str_from(cases[i].want));
        promql_expr_done(expr);
        buf_done(&json);
        arena_done(&arena);
    }
    test_row(NULL);
}
