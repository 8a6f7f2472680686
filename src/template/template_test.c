#include "template/template.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/text.h"
#include "testing/test.h"

/* What the cases work on: .A "x", .M {"a": "1"}, .L [p q], .F 1.5, .I 3, .Any {"n": nil, "s": "t"}
 * of any values, and a method Hello(string). */
static int data_field(struct arena *arena, const struct tvalue *self, str name, struct tvalue *ret)
{
    static const struct tvalue items[] = {{.kind = TVALUE_STRING, .string = STR_INIT("p")},
                                          {.kind = TVALUE_STRING, .string = STR_INIT("q")}};
    static const struct tvalue_list list = {.items = items, .count = 2, .item_type = "[]string"};

    (void)self;
    if (str_is(name, "A")) {
        *ret = tvalue_string(STR("x"));
    } else if (str_is(name, "F")) {
        *ret = tvalue_float(1.5);
    } else if (str_is(name, "I")) {
        *ret = tvalue_int(3);
    } else if (str_is(name, "L")) {
        *ret = (struct tvalue){.kind = TVALUE_LIST, .list = &list};
    } else if (str_is(name, "M")) {
        str *keys = ARENA_ARRAY(arena, str, 1);
        struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, 1);

        keys[0] = STR("a");
        values[0] = tvalue_string(STR("1"));
        *ret = tvalue_map_of(arena, keys, values, 1, tvalue_string(STR("")));
    } else if (str_is(name, "Any")) {
        str *keys = ARENA_ARRAY(arena, str, 2);
        struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, 2);

        keys[0] = STR("s");
        values[0] = tvalue_string(STR("t"));
        keys[1] = STR("n");
        *ret = tvalue_map_of(arena, keys, values, 2, tvalue_none());
    } else {
        return 0;
    }
    return 1;
}

static int data_hello(struct arena *arena, const struct tvalue *self, const struct tvalue *args,
                      size_t count, struct tvalue *ret, struct baro_error *err)
{
    (void)self;
    (void)err;
    assert_int_equal(count, 1);
    *ret = tvalue_string(arena_printf(arena, "hello %.*s", STR_ARG(args[0].string)));
    return 0;
}

static const struct tvalue_method data_methods[] = {{"Hello", "s", data_hello}};
static const struct tvalue_type data_type = {.name = "main.T",
                                             .field = data_field,
                                             .methods = data_methods,
                                             .method_count = ARRAY_COUNT(data_methods)};

static int call_up(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    (void)err;
    *ret = tvalue_string(arena_printf(call->arena, "%.*s!", STR_ARG(call->args[0].string)));
    return 0;
}

static int call_bad(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct buf text = {0};

    (void)ret;
    tvalue_print(&text, &call->args[0]);
    (void)error_set(err, BARO_EINVALID, "bad %.*s", STR_ARG(buf_view(&text)));
    buf_done(&text);
    return BARO_EINVALID;
}

static int call_same(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    (void)err;
    *ret = call->args[0];
    return 0;
}

static const struct template_function_row functions[] = {
    {"flt", "d", call_same},
    {"hum", "v", call_bad},
    {"up", "s", call_up},
};

/* Appends the output, and " ERR message" when something failed. */
static void run(struct arena *arena, const char *name, str text, const _Atomic bool *cancel,
                struct buf *out)
{
    CLEANUP(template_set_freep)
    struct template_set *set = template_set_new(functions, ARRAY_COUNT(functions));
    struct template_run how = {.arena = arena, .cancel = cancel};
    struct tvalue data = {.kind = TVALUE_STRUCT, .type = &data_type};
    struct baro_error err = {0};
    int result = template_set_parse(set, str_from(name), text, &err);

    result =
        result == 0 ? template_set_execute(set, str_from(name), data, &how, out, &err) : result;
    if (result != 0) {
        assert_int_equal(err.code, result);
        buf_printf(out, " ERR %s", err.message);
    }
}

#define AT(column, node) " ERR template: n:1:" #column ": executing \"n\" at <" node ">: "

/* Every wanted text is what Go 1.26 prints for the same template, with the option missingkey=zero.
 */
static const struct {
    const char *text;
    const char *want;
} cases[] = {
    {"plain", "plain"},
    {"", ""},
    {"{{.A}}-{{ .I }}", "x-3"},
    {"a {{- 1 -}} b", "a1b"},
    {"a {{-3}} b", "a -3 b"},
    {"a\n{{- /* note */ -}}\nb", "ab"},
    {"{{/* a */}}b{{/*c*/}}", "b"},
    {"{{\"a\\tb\\x41\\101\\u00e9\"}}{{`r\\n`}}", "a\tbAA\xc3\xa9r\\n"},
    {"{{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{-5}} {{+5}} {{.5}} {{1e3}} {{1.}}",
     "31 3 15 15 1000 -5 5 0.5 1000 1"},
    {"{{123456789.0}} {{1e6}} {{1e20}} {{.F}} {{1e21}}", "1.23456789e+08 1e+06 1e+20 1.5 1e+21"},
    {"{{'a'}} {{'\\n'}} {{'\\''}}", "97 10 39"},
    {"{{true}} {{false}}", "true false"},
    {"{{.M.zz}}|{{.Any.zz}}|{{.Any.n}}", "|<no value>|<no value>"},
    {"{{.M}} {{.L}} {{.Any}}", "map[a:1] [p q] map[n:<nil> s:t]"},
    {"{{if .A}}1{{end}}{{if not .A}}2{{else}}3{{end}}{{if 0}}4{{else if eq .I 3}}5{{else}}6{{end}}",
     "135"},
    {"{{if 0}}a{{else if 0}}b{{else if 0}}c{{else}}d{{end}}", "d"},
    {"{{with .A}}{{.}}{{end}}{{with \"\"}}no{{else}}e{{end}}{{with 0}}a{{else with "
     ".I}}{{.}}{{end}}",
     "xe3"},
    {"{{range .L}}[{{.}}]{{end}}{{range .M}}{{.}}{{end}}{{range .Any.zz}}a{{else}}none{{end}}",
     "[p][q]1none"},
    {"{{range $i, $e := .L}}{{$i}}={{$e}};{{end}}{{range $k, $v := .M}}{{$k}}{{$v}}{{end}}",
     "0=p;1=q;a1"},
    {"{{range $e := .L}}{{$e}}{{.}}{{end}}", "ppqq"},
    {"{{range .I}}{{.}},{{end}}", "0,1,2,"},
    {"{{range .L}}{{if eq . \"q\"}}{{break}}{{end}}{{.}}{{end}}", "p"},
    {"{{range .L}}{{if eq . \"p\"}}{{continue}}{{end}}{{.}}{{end}}", "q"},
    {"{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "32"},
    {"{{$x := 0}}{{range .L}}{{$x = .}}{{end}}{{$x}}{{$.A}}", "qx"},
    {"{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .A}}{{template \"t\"}}", "<x><<no value>>"},
    {"{{block \"b\" .I}}({{.}}){{end}}{{template \"b\" 4}}", "(3)(4)"},
    {"{{define \"a\"}}1{{end}}{{define \"a\"}} {{end}}{{template \"a\"}}", "1"},
    {"{{ .A | printf \"%s-%s\" \"z\" }}", "z-x"},
    {"{{printf \"%v\" 3 | len}} {{(index .L 1) | up}} {{up (up .A)}}", "1 q! x!!"},
    {"{{.A | .Hello}} {{.Hello \"y\"}} {{(.Hello \"z\") | len}}", "hello x hello y 7"},
    {"{{and 1 0}} {{or 0 \"x\"}} {{not 1}} {{and true .A}} {{or false (hum 1 | not | not) 2}}",
     "0 x false x " AT(63, "hum 1") "error calling hum: bad 1"},
    {"{{or 1 (hum 2)}} {{and 0 (hum 2)}}", "1 0"},
    {"{{eq 1 1}} {{eq 1 2 1}} {{ne \"a\" \"b\"}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 "
     "2.5}} {{eq nil nil}}",
     "true true true true true true false true"},
    {"{{len \"abc\"}} {{len .M}} {{len .L}}", "3 1 2"},
    {"{{index .L 1}} {{index .M \"a\"}} {{index \"abc\" 1}} {{index .L 0 | up}}|{{index .M "
     "\"zz\"}}|",
     "q 1 98 p!||"},
    {"{{slice .L 1}} {{slice \"abcd\" 1 3}} {{slice \"ab\"}}", "[q] bc ab"},
    {"{{html \"<a&'\\\"b>\"}} {{js \"<a'\\n\"}} {{urlquery \"a b&c\"}}",
     "&lt;a&amp;&#39;&#34;b&gt; \\u003Ca\\'\\u000A a+b%26c"},
    {"{{print 1 2 \"a\" \"b\" 3}}|{{println .L .M}}", "1 2ab3|[p q] map[a:1]\n"},
    {"{{flt 1}} {{flt 2.5}}", "1 2.5"},
    {"{{printf \"%d %s %v %q %5.2f|%-5s|%05d|%x\" .A .I .L .A .F .A .I .A}}",
     "%!d(string=x) %!s(int=3) [p q] \"x\"  1.50|x    |00003|78"},
    {"{{printf \"%d\"}} {{printf \"x\" 1 2}} {{printf \"%z\" 1}} {{printf \"%s\" nil}} {{printf "
     "\"%!\"}}",
     "%!d(MISSING) x%!(EXTRA int=1, int=2) %!z(int=1) %!s(<nil>) %!!(MISSING)"},
    {"{{printf \"%v %v %v\" nil true .M}}", "<nil> true map[a:1]"},
    {"{{printf \"%t %c %U %e %g %G %b\" true 65 65 1.5 1e30 1e-7 5}}",
     "true A U+0041 1.500000e+00 1e+30 1E-07 101"},
    {"{{printf \"%8.3f|%+d|% d|%#x|%#q|%x\" .F .I .I .I .A .I}}", "   1.500|+3| 3|0x3|`x`|3"},
    {"{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%*d\" 5 1}} {{printf \"%6.2f%%\" 12.345}}",
     "2 1     1  12.35%"},
    {"{{printf \"%08.3f|%+.1f|%-8.1f|%06d\" -1.5 2.25 3.0 -42}}", "-001.500|+2.2|3.0     |-00042"},
    {"{{printf \"%5t|%-6v|%3c|%q\" true .A 65 65}}", " true|x     |  A|'A'"},
    {"{{printf \"%.2s|%5.1s|%q\" \"h\xc3\xa9llo\" \"\xc3\xa9z\" \"a\\n\\x01\xc3\xa9\"}}",
     "h\xc3\xa9|    \xc3\xa9|\"a\\n\\x01\xc3\xa9\""},

    {"{{printf \"%*d|%.*f|%*d\" \"a\" 1 -1 2.5}}",
     "%!(BADWIDTH)1|%!(BADPREC)2.500000|%!(BADWIDTH)%!d(MISSING)"},

    {"{{.B}}", AT(2, ".B") "can't evaluate field B in type main.T"},
    {"{{.A.B}}", AT(4, ".A.B") "can't evaluate field B in type string"},
    {"{{.L.x}}", AT(4, ".L.x") "can't evaluate field x in type []string"},
    {"{{.M.a.b}}", AT(4, ".M.a.b") "can't evaluate field b in type string"},
    {"{{.Any.zz.y}}", AT(6, ".Any.zz.y") "nil pointer evaluating interface {}.y"},
    {"{{up 1}}", AT(5, "1") "expected string; found 1"},
    {"{{up .I}}", AT(5, ".I") "wrong type for value; expected string; got int"},
    {"{{1 | up}}", AT(6, "up") "wrong type for value; expected string; got int"},
    {"{{up nil}}", AT(5, "nil") "cannot assign nil to string"},
    {"{{up}}", AT(2, "up") "wrong number of args for up: want 1 got 0"},
    {"{{up \"a\" \"b\"}}", AT(2, "up") "wrong number of args for up: want 1 got 2"},
    {"{{eq}}", AT(2, "eq") "wrong number of args for eq: want at least 1 got 0"},
    {"{{hum .F}}", AT(2, "hum .F") "error calling hum: bad 1.5"},
    {"{{flt \"a\"}}", AT(6, "\"a\"") "expected float; found \"a\""},
    {"{{flt .A}}", AT(6, ".A") "wrong type for value; expected float64; got string"},
    {"{{index .L 5}}", AT(2, "index .L 5") "error calling index: index out of range: 5"},
    {"{{index .M 1}}",
     AT(2, "index .M 1") "error calling index: value has type int; should be string"},
    {"{{index .L \"a\"}}",
     AT(2, "index .L \"a\"") "error calling index: cannot index slice/array with type string"},
    {"{{slice .A 0 9}}", AT(2, "slice .A 0 9") "error calling slice: index out of range: 9"},
    {"{{nil}}", AT(2, "nil") "nil is not a command"},
    {"{{eq .A 1}}",
     AT(2, "eq .A 1") "error calling eq: incompatible types for comparison: string and int"},
    {"{{lt 1 2.0}}",
     AT(2, "lt 1 2.0") "error calling lt: incompatible types for comparison: int and float64"},
    {"{{eq .M .M}}",
     AT(2, "eq .M .M") "error calling eq: non-comparable type map[a:1]: map[string]string"},
    {"{{eq .A}}", AT(2, "eq .A") "error calling eq: missing argument for comparison"},
    {"{{template \"zz\"}}", AT(11, "{{template \"zz\"}}") "template \"zz\" not defined"},
    {"{{len .I}}", AT(2, "len .I") "error calling len: len of type int"},
    {"{{.Hello}}", AT(2, ".Hello") "wrong number of args for Hello: want 1 got 0"},
    {"{{.A 1}}", AT(2, ".A") "A has arguments but cannot be invoked as function"},
    {"{{$x := 1}}{{$x 2}}", AT(13, "$x") "can't give argument to non-function $x"},
    {"{{range .A}}{{end}}", AT(8, ".A") "range can't iterate over x"},
    {"{{ (index .L 0).x }}", AT(13, "0") "can't evaluate field x in type string"},
    {"{{printf \"%+v|%+d|%#v|%#v|%.2T|%d\" 1 1 .A 1.5 .A 1.5}}",
     "1|+1|\"x\"|1.5|st|%!d(float64=1.5)"},
    {"{{printf \"%5.1d|%+s|%-6z|\" .A .F .A}}",
     "%!d(string=    x)|%!s(float64=+1.5)|%!z(string=x     )|"},
    {"{{printf \"%v %s %d\" .Any .Any .Any}}",
     "map[n:<nil> s:t] map[n:<nil> s:t] map[%!d(string=n):<nil> %!d(string=s):%!d(string=t)]"},
    {"{{slice .L 0 1 2}} {{slice .L 0 1}}", "[p] [p]"},
    {"{{slice .A 0 1 1}}",
     AT(2, "slice .A 0 1 1") "error calling slice: cannot 3-index slice a string"},
    {"{{slice .L 1 2 1}}",
     AT(2, "slice .L 1 2 1") "error calling slice: invalid slice index: 2 > 1"},
    {"{{slice .L 0 1 2 2}}",
     AT(2, "slice .L 0 1 2 2") "error calling slice: too many slice indexes: 4"},
    {"{{define \"d\"}}1{{end}}{{define \"d\"}}2{{end}}",
     " ERR template: n:1: template: multiple definition of template \"d\""},
    {"{{define \"d\"}}1{{end}}{{define \"d\"}} {{end}}{{template \"d\"}}", "1"},
    {"{{define \"d\"}} {{end}}{{define \"d\"}}2{{end}}{{template \"d\"}}", "2"},
    {"{{block \"b\" .}}1{{end}}{{block \"b\" .}}2{{end}}",
     " ERR template: n:1: template: multiple definition of template \"b\""},
    {"{{range $i, $e := 3}}{{end}}",
     AT(18, "3") "can't use 3 to iterate over more than one variable"},
    {"{{range $i, $e := 0}}{{else}}x{{end}}",
     AT(18, "0") "can't use 0 to iterate over more than one variable"},
    {"{{define \"d\"}}[{{.}}{{.A.B}}{{range .L}}x{{end}}{{with .X}}y{{end}}{{if "
     ".A}}z{{end}}{{$.Q}}]{{end}}{{template \"d\"}}",
     "[<no value><no value><no value>]"},
    {"{{$x := $x}}", AT(8, "$x") "undefined variable: $x"},
    {"{{$x = 1}}", AT(7, "1") "undefined variable: $x"},
    {"{{$i := 1}}{{$e := 2}}{{range $i, $e = .L}}{{end}}{{$i}}{{$e}}", "1q"},

    {"{{break}}", " ERR template: n:1: {{break}} outside {{range}}"},
    {"{{true.x}}", " ERR template: n:1: unexpected . after term \"true\""},
    {"{{nope 1}}", " ERR template: n:1: function \"nope\" not defined"},
    {"{{$y}}", " ERR template: n:1: undefined variable \"$y\""},
    {"{{if true}}{{$y := 1}}{{end}}{{$y}}", " ERR template: n:1: undefined variable \"$y\""},
    {"{{", " ERR template: n:1: unclosed action"},
    {"{{.A", " ERR template: n:1: unclosed action"},
    {"\n{{.A\n\n", " ERR template: n:4: unclosed action started at n:2"},
    {"{{if}}{{end}}", " ERR template: n:1: missing value for if"},
    {"{{if true}}", " ERR template: n:1: unexpected EOF"},
    {"{{end}}", " ERR template: n:1: unexpected {{end}}"},
    {"{{else}}", " ERR template: n:1: unexpected {{else}}"},
    {"{{if 1}}{{else}}{{else}}{{end}}", " ERR template: n:1: expected end; found {{else}}"},
    {"{{\"a}}", " ERR template: n:1: unterminated quoted string"},
    {"{{`a}}", " ERR template: n:1: unterminated raw quoted string"},
    {"{{'a}}", " ERR template: n:1: unterminated character constant"},
    {"{{/* a }}", " ERR template: n:1: unclosed comment"},
    {"{{/* a */ b}}", " ERR template: n:1: comment ends before closing delimiter"},
    {"{{(1}}", " ERR template: n:1: unclosed left paren"},
    {"{{1)}}", " ERR template: n:1: unexpected right paren"},
    {"{{a#b}}", " ERR template: n:1: bad character U+0023 '#'"},
    {"{{#}}", " ERR template: n:1: unexpected \"#\" in command"},
    {"{{.A | 1}}", " ERR template: n:1: non executable command in pipeline stage 2"},
    {"{{.A |}}", "x"},
    {"{{|}}", " ERR template: n:1: unexpected \"|\" in command"},
    {"{{template 1}}", " ERR template: n:1: unexpected \"1\" in template clause"},
    {"{{define x}}{{end}}", " ERR template: n:1: unexpected \"x\" in define clause"},
    {"{{range $a, $b, $c := .L}}{{end}}", " ERR template: n:1: too many declarations in range"},
    {"{{$a, $b := 1}}", " ERR template: n:1: too many declarations in command"},
    {"{{1a}}", " ERR template: n:1: bad number syntax: \"1a\""},
    {"{{99999999999999999999}}", " ERR template: n:1: integer overflow: \"99999999999999999999\""},
    {"{{1 := 2}}", " ERR template: n:1: unexpected \":=\" in operand"},
};

TEST(template_does_what_go_does)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct buf out = {0};

        test_row(cases[i].text);
        run(&arena, "n", str_from(cases[i].text), NULL, &out);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

static str repeated(struct arena *arena, const char *text, size_t times)
{
    struct buf buf = {0};

    for (size_t i = 0; i < times; i++) {
        buf_c(&buf, text);
    }
    return text_take(arena, &buf);
}

TEST(template_bounds_what_is_hostile)
{
    static const struct {
        const char *name;
        const char *unit;
        size_t times;
        const char *want;
    } rows[] = {
        {"parentheses", "{{(", 1, "unclosed action"},
        {"nested parentheses", "(", 100000, NULL},
        {"nested ifs", "{{if 1}}", 100000, "nested too deeply"},
        {"else if chains", "{{if 0}}{{else if 0}}", 1000, "nested too deeply"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena arena = {0};
        struct buf out = {0};

        test_row(rows[i].name);
        run(&arena, "n", repeated(&arena, rows[i].unit, rows[i].times), NULL, &out);
        assert_true(rows[i].want == NULL || str_contains(buf_view(&out), str_from(rows[i].want)));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(template_bounds_loops_output_and_recursion)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"{{range 100000000}}{{end}}", "the template takes too long"},
        {"{{range 5000}}{{range 5000}}{{end}}{{end}}", "the template takes too long"},
        {"{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
         "exceeded maximum template depth"},
        {"{{$x := printf \"%10000d\" 1}}{{range 100000}}{{$x}}{{end}}",
         "the template writes too much"},
        {"{{$x := printf \"%10000d\" 1}}{{range 20}}{{$x = print $x $x}}{{end}}", "too "},
        {"{{$x := printf \"%10000d\" 1}}{{range 20}}{{$x = printf \"%s%s\" $x $x}}{{end}}", "too "},
        {"{{$x := printf \"%10000d\" 1}}{{range 20}}{{$x = html $x \"<\" $x}}{{end}}", "too "},
        {"{{$x := printf \"%10000d\" 1}}{{range 20}}{{$x = js $x $x}}{{end}}", "too "},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena arena = {0};
        struct buf out = {0};

        test_row(rows[i].text);
        run(&arena, "n", str_from(rows[i].text), NULL, &out);
        assert_true(str_contains(buf_view(&out), str_from(rows[i].want)));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* Texts of many equal parts: neither the stack nor the memory that is taken grows with them more
 * than once each. */
TEST(template_bounds_what_is_parsed)
{
    static const struct {
        const char *before;
        const char *part;
        size_t count;
        const char *after;
        const char *want;
    } rows[] = {
        {"", "{{/**/}}", 130000, "x", "x"},
        {"{{$", ".a", 20000, "}}", " ERR template: n:1:"},
        {"", "{{$a := 1}}", 999, "x", "x"},
        {"", "{{$a := 1}}", 1001, "x", " ERR template: n:1: more than 1000 variables"},
        {"{{if true}}", "{{if false}}{{else}}{{$a := 1}}{{$b := 2}}{{end}}", 900, "x{{end}}", "x"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena arena = {0};
        struct buf text = {0};
        struct buf out = {0};

        buf_str(&text, str_from(rows[i].before));
        for (size_t k = 0; k < rows[i].count; k++) {
            buf_str(&text, str_from(rows[i].part));
        }
        buf_str(&text, str_from(rows[i].after));
        test_row(rows[i].part);
        run(&arena, "n", buf_view(&text), NULL, &out);
        assert_true(str_has_prefix(buf_view(&out), str_from(rows[i].want)));
        buf_done(&text);
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(template_stops_when_canceled)
{
    static const _Atomic bool cancel = true;
    struct arena arena = {0};
    struct buf out = {0};

    run(&arena, "n", STR("{{range 900000}}{{end}}"), &cancel, &out);
    assert_true(str_contains(buf_view(&out), STR("canceled")));
    buf_done(&out);
    arena_done(&arena);
}

TEST(template_set_keeps_templates_of_several_texts)
{
    CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
    struct arena arena = {0};
    struct buf out = {0};
    struct baro_error err = {0};
    struct template_run how = {.arena = &arena};

    assert_ok(template_set_parse(set, STR("one"), STR("{{define \"greet\"}}hi {{.}}{{end}}"), &err),
              &err);
    assert_ok(template_set_parse(set, STR("two"), STR("{{template \"greet\" .}}"), &err), &err);
    assert_true(template_set_has(set, STR("greet")));
    assert_false(template_set_has(set, STR("bye")));
    assert_ok(template_set_execute(set, STR("two"), tvalue_int(7), &how, &out, &err), &err);
    assert_str_equal(buf_view(&out), STR("hi 7"));
    assert_int_equal(template_set_execute(set, STR("three"), tvalue_none(), &how, &out, &err),
                     BARO_EEXEC);
    buf_done(&out);
    arena_done(&arena);
}
