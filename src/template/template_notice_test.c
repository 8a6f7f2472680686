/* Templates of notifications as text and as HTML: what Alertmanager 0.34 makes of the same. */
#include "template/template_notice.h"
#include "testing/test.h"

/* A hostile alert that is over, and one that fires. */
static const char fixture[] =
    "{\"receiver\":\"team-x\\\\.y\",\"status\":\"firing\",\"alerts\":[{\"sta"
    "tus\":\"resolved\",\"labels\":{\"alertname\":\"A\",\"severity\":\"info\""
    ",\"z\":\"<script>alert('x')</script>\\\"&+\\n\\u2028\\u00e9\"},\"annota"
    "tions\":{\"d\":\"<script>alert('x')</script>\\\"&+\\n\\u2028\\u00e9\"},"
    "\"startsAt\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"2026-01-02T03:05"
    ":00Z\",\"generatorURL\":\"javascript:alert(1)\",\"fingerprint\":\"00ff0"
    "0ff00ff00ff\"},{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\",\""
    "job\":\"j\"},\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-01"
    "-02T03:04:05.678Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\""
    ":\"http://x/graph\?g0.expr=a%3Eb&g0.tab=1\",\"fingerprint\":\"00ff00ff0"
    "0ff00ff\"}],\"groupLabels\":{\"z\":\"<script>alert('x')</script>\\\"&+\\"
    "n\\u2028\\u00e9\"},\"commonLabels\":{\"alertname\":\"A\",\"z\":\"<scrip"
    "t>alert('x')</script>\\\"&+\\n\\u2028\\u00e9\",\"severity\":\"info\"},\""
    "commonAnnotations\":{\"d\":\"<script>alert('x')</script>\\\"&+\\n\\u202"
    "8\\u00e9\"},\"externalURL\":\"javascript:x'\\\"<>\",\"notification_reas"
    "on\":\"first notification\",\"routeLabels\":{}}";

/* want NULL = a fault. is_html rows stand where the result differs from the text's. */
static const struct {
    bool is_html;
    const char *text;
    const char *want;
} cases[] = {
    {false,
     "{{ .Status | toUpper | title }} {{ .Receiver }} {{ .GroupLabels }} {{ ."
     "CommonLabels.SortedPairs }} {{ .Alerts | len }}",
     "Firing team-x\\.y z=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 alertname=A, severity=info, z=<script>alert('x')</"
     "script>\"&+\n\342\200\250\303\251 2"},
    {true,
     "{{ .Status | toUpper | title }} {{ .Receiver }} {{ .GroupLabels }} {{ ."
     "CommonLabels.SortedPairs }} {{ .Alerts | len }}",
     "Firing team-x\\.y z=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34"
     ";&amp;&#43;\n\342\200\250\303\251 alertname=A, severity=info, z=&lt;scr"
     "ipt&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251 2"},
    {false,
     "{{ range .Alerts }}{{ .Labels.alertname }} {{ .StartsAt }} {{ .EndsAt }"
     "} {{ .StartsAt.Format \"Mon Jan _2 15:04:05.000 2006\" }} {{ .Fingerpri"
     "nt }} {{ .Labels }} {{ .Labels.missing }}{{ end }}",
     "A 2026-01-02 03:04:05.678 +0000 UTC 2026-01-02 03:05:00 +0000 UTC Fri J"
     "an  2 03:04:05.678 2026 00ff00ff00ff00ff alertname=A, severity=info, z="
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251 A 2026-01-02 03:0"
     "4:05.678 +0000 UTC 0001-01-01 00:00:00 +0000 UTC Fri Jan  2 03:04:05.67"
     "8 2026 00ff00ff00ff00ff alertname=A, job=j "},
    {true,
     "{{ range .Alerts }}{{ .Labels.alertname }} {{ .StartsAt }} {{ .EndsAt }"
     "} {{ .StartsAt.Format \"Mon Jan _2 15:04:05.000 2006\" }} {{ .Fingerpri"
     "nt }} {{ .Labels }} {{ .Labels.missing }}{{ end }}",
     "A 2026-01-02 03:04:05.678 &#43;0000 UTC 2026-01-02 03:05:00 &#43;0000 U"
     "TC Fri Jan  2 03:04:05.678 2026 00ff00ff00ff00ff alertname=A, severity="
     "info, z=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251 A 2026-01-02 03:04:05.678 &#43;0000 UTC 0001-01-01"
     " 00:00:00 &#43;0000 UTC Fri Jan  2 03:04:05.678 2026 00ff00ff00ff00ff a"
     "lertname=A, job=j "},
    {false, "{{ toJson . }}",
     "{\"receiver\":\"team-x\\\\.y\",\"status\":\"firing\",\"alerts\":[{\"sta"
     "tus\":\"resolved\",\"labels\":{\"alertname\":\"A\",\"severity\":\"info\""
     ",\"z\":\"\\u003cscript\\u003ealert('x')\\u003c/script\\u003e\\\"\\u0026"
     "+\\n\\u2028\303\251\"},\"annotations\":{\"d\":\"\\u003cscript\\u003eale"
     "rt('x')\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303\251\"},\"startsA"
     "t\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"2026-01-02T03:05:00Z\",\""
     "generatorURL\":\"javascript:alert(1)\",\"fingerprint\":\"00ff00ff00ff00"
     "ff\"},{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\",\"job\":\""
     "j\"},\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-01-02T03:0"
     "4:05.678Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http"
     "://x/graph\?g0.expr=a%3Eb\\u0026g0.tab=1\",\"fingerprint\":\"00ff00ff00"
     "ff00ff\"}],\"notification_reason\":\"first notification\",\"groupLabels"
     "\":{\"z\":\"\\u003cscript\\u003ealert('x')\\u003c/script\\u003e\\\"\\u0"
     "026+\\n\\u2028\303\251\"},\"commonLabels\":{\"alertname\":\"A\",\"sever"
     "ity\":\"info\",\"z\":\"\\u003cscript\\u003ealert('x')\\u003c/script\\u0"
     "03e\\\"\\u0026+\\n\\u2028\303\251\"},\"commonAnnotations\":{\"d\":\"\\u"
     "003cscript\\u003ealert('x')\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303"
     "\251\"},\"routeLabels\":{},\"externalURL\":\"javascript:x'\\\"\\u003c\\"
     "u003e\"}"},
    {false, "{{ range .Alerts }}{{ toJson .Labels.SortedPairs }}{{ end }}",
     "[{\"Name\":\"alertname\",\"Value\":\"A\"},{\"Name\":\"severity\",\"Valu"
     "e\":\"info\"},{\"Name\":\"z\",\"Value\":\"\\u003cscript\\u003ealert('x'"
     ")\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303\251\"}][{\"Name\":\"al"
     "ertname\",\"Value\":\"A\"},{\"Name\":\"job\",\"Value\":\"j\"}]"},
    {true, "{{ range .Alerts }}{{ toJson .Labels.SortedPairs }}{{ end }}",
     "[{&#34;Name&#34;:&#34;alertname&#34;,&#34;Value&#34;:&#34;A&#34;},{&#34"
     ";Name&#34;:&#34;severity&#34;,&#34;Value&#34;:&#34;info&#34;},{&#34;Nam"
     "e&#34;:&#34;z&#34;,&#34;Value&#34;:&#34;\\u003cscript\\u003ealert(&#39;"
     "x&#39;)\\u003c/script\\u003e\\&#34;\\u0026&#43;\\n\\u2028\303\251&#34;}"
     "][{&#34;Name&#34;:&#34;alertname&#34;,&#34;Value&#34;:&#34;A&#34;},{&#3"
     "4;Name&#34;:&#34;job&#34;,&#34;Value&#34;:&#34;j&#34;}]"},
    {false,
     "{{ title \"hello wORLD o'clock foo_bar a.b x-y 3d e.g. don't \303\251t\303"
     "\251 \303\211T\303\211\" }}",
     "Hello World O'clock Foo_bar A.b X-Y 3D E.g. Don't \303\211t\303\251 \303"
     "\211t\303\251"},
    {true,
     "{{ title \"hello wORLD o'clock foo_bar a.b x-y 3d e.g. don't \303\251t\303"
     "\251 \303\211T\303\211\" }}",
     "Hello World O&#39;clock Foo_bar A.b X-Y 3D E.g. Don&#39;t \303\211t\303"
     "\251 \303\211t\303\251"},
    {false,
     "{{ toUpper \"stra\303\237e \303\251\303\240\303\274 \307\206\" }} {{ to"
     "Lower \"\303\200\303\211\303\216 \316\221\316\222\316\223\" }}",
     "STRA\303\237E \303\211\303\200\303\234 \307\204 \303\240\303\251\303\256"
     " \316\261\316\262\316\263"},
    {false,
     "{{ join \",\" (stringSlice \"a\" \"b\" \"c\") }} {{ .CommonLabels.Value"
     "s | join \"-\" }} {{ .CommonLabels.Names.Join \"+\" }}",
     "a,b,c A-info-<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 alertname+severity+z"},
    {true,
     "{{ join \",\" (stringSlice \"a\" \"b\" \"c\") }} {{ .CommonLabels.Value"
     "s | join \"-\" }} {{ .CommonLabels.Names.Join \"+\" }}",
     "a,b,c A-info-&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&"
     "#43;\n\342\200\250\303\251 alertname&#43;severity&#43;z"},
    {false,
     "{{ match \"^a.c$\" \"a\\nc\" }} {{ match \"b+\" \"abbbc\" }} {{ reRepla"
     "ceAll \"b(.)\" \"<$1>\" \"abcbd\" }} {{ reReplaceAll \"\" \"-\" \"abc\""
     " }}",
     "false true a<c><d> -a-b-c-"},
    {true,
     "{{ match \"^a.c$\" \"a\\nc\" }} {{ match \"b+\" \"abbbc\" }} {{ reRepla"
     "ceAll \"b(.)\" \"<$1>\" \"abcbd\" }} {{ reReplaceAll \"\" \"-\" \"abc\""
     " }}",
     "false true a&lt;c&gt;&lt;d&gt; -a-b-c-"},
    {false,
     "{{ safeHtml \"<b>x</b>\" }} {{ \"<b>x</b>\" }} {{ safeUrl \"javascript:"
     "x\" }}",
     "<b>x</b> <b>x</b> javascript:x"},
    {true,
     "{{ safeHtml \"<b>x</b>\" }} {{ \"<b>x</b>\" }} {{ safeUrl \"javascript:"
     "x\" }}",
     "<b>x</b> &lt;b&gt;x&lt;/b&gt; javascript:x"},
    {false,
     "<a href=\"{{ safeUrl \"javascript:x\" }}\">{{ .ExternalURL }}</a> <a hr"
     "ef=\"{{ .ExternalURL }}\">x</a> <a href='{{ .ExternalURL }}\?a={{ .Exte"
     "rnalURL }}'>x</a>",
     "<a href=\"javascript:x\">javascript:x'\"<></a> <a href=\"javascript:x'\""
     "<>\">x</a> <a href='javascript:x'\"<>\?a=javascript:x'\"<>'>x</a>"},
    {true,
     "<a href=\"{{ safeUrl \"javascript:x\" }}\">{{ .ExternalURL }}</a> <a hr"
     "ef=\"{{ .ExternalURL }}\">x</a> <a href='{{ .ExternalURL }}\?a={{ .Exte"
     "rnalURL }}'>x</a>",
     "<a href=\"javascript:x\">javascript:x&#39;&#34;&lt;&gt;</a> <a href=\"#"
     "ZgotmplZ\">x</a> <a href='#ZgotmplZ\?a=javascript%3ax%27%22%3c%3e'>x</a"
     ">"},
    {false,
     "<a href={{ .ExternalURL }}>x</a> <p title={{ .Status }} data-url={{ .Ex"
     "ternalURL }}>",
     "<a href=javascript:x'\"<>>x</a> <p title=firing data-url=javascript:x'\""
     "<>>"},
    {true,
     "<a href={{ .ExternalURL }}>x</a> <p title={{ .Status }} data-url={{ .Ex"
     "ternalURL }}>",
     "<a href=#ZgotmplZ>x</a> <p title=firing data-url=#ZgotmplZ>"},
    {false,
     "<script>var x = {{ .CommonLabels }}; var y = {{ .Alerts }}; var z = \"{"
     "{ .CommonAnnotations }}\"; var t = `{{ .ExternalURL }}`; /* c */ var r "
     "= /{{ .Status }}/; var n = {{ len .Alerts }};</script>",
     "<script>var x = alertname=A, severity=info, z=<script>alert('x')</scrip"
     "t>\"&+\n\342\200\250\303\251; var y = [{resolved alertname=A, severity="
     "info, z=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 d=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 2026-01-02 03:04:05.678 +0000 UTC 2026-01-02 03:05"
     ":00 +0000 UTC javascript:alert(1) 00ff00ff00ff00ff} {firing alertname=A"
     ", job=j summary=s 2026-01-02 03:04:05.678 +0000 UTC 0001-01-01 00:00:00"
     " +0000 UTC http://x/graph\?g0.expr=a%3Eb&g0.tab=1 00ff00ff00ff00ff}]; v"
     "ar z = \"d=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\"; var t = `javascript:x'\"<>`; /* c */ var r = /f"
     "iring/; var n = 2;</script>"},
    {true,
     "<script>var x = {{ .CommonLabels }}; var y = {{ .Alerts }}; var z = \"{"
     "{ .CommonAnnotations }}\"; var t = `{{ .ExternalURL }}`; /* c */ var r "
     "= /{{ .Status }}/; var n = {{ len .Alerts }};</script>",
     "<script>var x = \"alertname=A, severity=info, z=\\u003cscript\\u003eale"
     "rt('x')\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303\251\"; var y = ["
     "{\"status\":\"resolved\",\"labels\":{\"alertname\":\"A\",\"severity\":\""
     "info\",\"z\":\"\\u003cscript\\u003ealert('x')\\u003c/script\\u003e\\\"\\"
     "u0026+\\n\\u2028\303\251\"},\"annotations\":{\"d\":\"\\u003cscript\\u00"
     "3ealert('x')\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303\251\"},\"st"
     "artsAt\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"2026-01-02T03:05:00Z"
     "\",\"generatorURL\":\"javascript:alert(1)\",\"fingerprint\":\"00ff00ff0"
     "0ff00ff\"},{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\",\"job"
     "\":\"j\"},\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-01-02"
     "T03:04:05.678Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\""
     "http://x/graph\?g0.expr=a%3Eb\\u0026g0.tab=1\",\"fingerprint\":\"00ff00"
     "ff00ff00ff\"}]; var z = \"d=\\u003cscript\\u003ealert(\\u0027x\\u0027)\\"
     "u003c\\/script\\u003e\\u0022\\u0026\\u002b\\n\\u2028\303\251\"; var t ="
     " `javascript:x\\u0027\\u0022\\u003c\\u003e`;   var r = /firing/; var n "
     "=  2 ;</script>"},
    {false,
     "<style>p { color: {{ .Status }}; background: url(\"{{ .ExternalURL }}\""
     "); font: \"{{ .ExternalURL }}\" }</style><p style=\"color: {{ .External"
     "URL }}\">",
     "<style>p { color: firing; background: url(\"javascript:x'\"<>\"); font:"
     " \"javascript:x'\"<>\" }</style><p style=\"color: javascript:x'\"<>\">"},
    {true,
     "<style>p { color: {{ .Status }}; background: url(\"{{ .ExternalURL }}\""
     "); font: \"{{ .ExternalURL }}\" }</style><p style=\"color: {{ .External"
     "URL }}\">",
     "<style>p { color: firing; background: url(\"#ZgotmplZ\"); font: \"#Zgot"
     "mplZ\" }</style><p style=\"color: ZgotmplZ\">"},
    {false, "<!-- comment {{ .Status }} --><p>x < y</p> <br> a<b {{ .Status }}>",
     "<!-- comment firing --><p>x < y</p> <br> a<b firing>"},
    {true, "<!-- comment {{ .Status }} --><p>x < y</p> <br> a<b {{ .Status }}>",
     "<p>x &lt; y</p> <br> a<b firing>"},
    {false,
     "<img srcset=\"{{ .ExternalURL }} 2x, {{ .Status }}\"> <img srcset=\"{{ "
     "safeUrl \"a,b c\" }}\"><button onclick=\"f({{ .CommonLabels }}, '{{ .Ex"
     "ternalURL }}')\">",
     "<img srcset=\"javascript:x'\"<> 2x, firing\"> <img srcset=\"a,b c\"><bu"
     "tton onclick=\"f(alertname=A, severity=info, z=<script>alert('x')</scri"
     "pt>\"&+\n\342\200\250\303\251, 'javascript:x'\"<>')\">"},
    {true,
     "<img srcset=\"{{ .ExternalURL }} 2x, {{ .Status }}\"> <img srcset=\"{{ "
     "safeUrl \"a,b c\" }}\"><button onclick=\"f({{ .CommonLabels }}, '{{ .Ex"
     "ternalURL }}')\">",
     "<img srcset=\"#ZgotmplZ 2x, firing\"> <img srcset=\"a%2cb%20c\"><button"
     " onclick=\"f(&#34;alertname=A, severity=info, z=\\u003cscript\\u003eale"
     "rt(&#39;x&#39;)\\u003c/script\\u003e\\&#34;\\u0026&#43;\\n\\u2028\303\251"
     "&#34;, 'javascript:x\\u0027\\u0022\\u003c\\u003e')\">"},
    {false, "{{ if true }}<a href=\"{{ else }}<a href='{{ end }}x\">", "<a href=\"x\">"},
    {true, "{{ if true }}<a href=\"{{ else }}<a href='{{ end }}x\">", NULL},
    {false, "{{ range .Alerts }}<p title=\"{{ .Labels.z }}\">{{ end }}",
     "<p title=\"<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\"><p title=\"\">"},
    {true, "{{ range .Alerts }}<p title=\"{{ .Labels.z }}\">{{ end }}",
     "<p title=\"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251\"><p title=\"\">"},
    {false, "{{ urlUnescape \"a%20b+c\" }} {{ urlUnescape \"%zz\" }}", NULL},
    {false, "{{ urlUnescape \"a%20b+c%2B\" }}", "a b c+"},
    {true, "{{ urlUnescape \"a%20b+c%2B\" }}", "a b c&#43;"},
    {false, "{{ base64encode \"hi\?>\303\274\" }} {{ base64decode \"aGk_Pg==\" }}",
     "aGk_PsO8 hi\?>"},
    {true, "{{ base64encode \"hi\?>\303\274\" }} {{ base64decode \"aGk_Pg==\" }}",
     "aGk_PsO8 hi\?&gt;"},
    {false, "{{ base64decode \"!!\" }}", NULL},
    {false,
     "{{ list 1 \"a\" 2.5 true }} {{ append (list 1) 2 3 }} {{ dict \"b\" 1 \""
     "a\" \"x\" }} {{ toJson (dict \"b\" 1 \"a\" (list 1 \"x<\")) }}",
     "[1 a 2.5 true] [1 2 3] map[a:x b:1] {\"a\":[1,\"x\\u003c\"],\"b\":1}"},
    {true,
     "{{ list 1 \"a\" 2.5 true }} {{ append (list 1) 2 3 }} {{ dict \"b\" 1 \""
     "a\" \"x\" }} {{ toJson (dict \"b\" 1 \"a\" (list 1 \"x<\")) }}",
     "[1 a 2.5 true] [1 2 3] map[a:x b:1] {&#34;a&#34;:[1,&#34;x\\u003c&#34;]"
     ",&#34;b&#34;:1}"},
    {false, "{{ join \"\" (list \"a\") }}", NULL},
    {false, "{{ safeHtml \"a\" | toUpper }}", NULL},
    {false, "{{ append (stringSlice \"a\") 1 }}", NULL},
    {false, "{{ dict \"a\" 1 \"b\" 2 \"a\" 3 }}", "map[a:3 b:2]"},
    {false,
     "{{ $l := list }}{{ range 5000 }}{{ $l = append $l . }}{{ end }}{{ len $l }} {{ index $l 4999 "
     "}}",
     "5000 4999"},
    {false,
     "{{ $a := append (list 1) 2 }}{{ $b := append $a 3 }}{{ $c := append $a 4 5 }}{{ $a }} {{ $b "
     "}} {{ $c }} {{ append (slice $b 0 1) 9 }} {{ $b }}",
     "[1 2] [1 2 3] [1 2 4 5] [1 9] [1 2 3]"},
    {false,
     "{{ (toDate \"2006-01-02\" \"2026-03-04\").Format \"Jan 2\" }} {{ toDate"
     " \"2006-01-02\" \"bad\" }} {{ mustToDate \"2006-01-02 15:04:05.000 -070"
     "0\" \"2026-03-04 05:06:07.891 +0230\" }}",
     "Mar 4 0001-01-01 00:00:00 +0000 UTC 2026-03-04 05:06:07.891 +0230 +0230"},
    {true,
     "{{ (toDate \"2006-01-02\" \"2026-03-04\").Format \"Jan 2\" }} {{ toDate"
     " \"2006-01-02\" \"bad\" }} {{ mustToDate \"2006-01-02 15:04:05.000 -070"
     "0\" \"2026-03-04 05:06:07.891 +0230\" }}",
     "Mar 4 0001-01-01 00:00:00 &#43;0000 UTC 2026-03-04 05:06:07.891 &#43;02"
     "30 &#43;0230"},
    {false, "{{ mustToDate \"2006\" \"x\" }}", NULL},
    {false, "{{ date \"2006-01-02\" (index .Alerts 0).StartsAt }}", "2026-01-02"},
    {false, "{{ tz \"UTC\" (index .Alerts 0).StartsAt }}", "2026-01-02 03:04:05.678 +0000 UTC"},
    {true, "{{ tz \"UTC\" (index .Alerts 0).StartsAt }}", "2026-01-02 03:04:05.678 &#43;0000 UTC"},
    {false,
     "{{ humanizeDuration 3661.5 }} {{ humanizeDuration 0.001 }} {{ trimSpace"
     " \"  a b\\t\\n \" }}|",
     "1h 1m 1s 1ms a b|"},
    {false,
     "{{ .CommonLabels.Remove (stringSlice \"alertname\") }} {{ (.CommonLabel"
     "s.Remove .GroupLabels.Names).Names }}",
     "severity=info, z=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 [alertname severity]"},
    {true,
     "{{ .CommonLabels.Remove (stringSlice \"alertname\") }} {{ (.CommonLabel"
     "s.Remove .GroupLabels.Names).Names }}",
     "severity=info, z=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&a"
     "mp;&#43;\n\342\200\250\303\251 [alertname severity]"},
    {false, "{{ .NotificationReason }} {{ .RouteLabels }} {{ routeLabels \"x\" }}",
     "first notification  "},
    {false,
     "{{ range $i, $a := .Alerts }}{{ $i }}:{{ $a.Status }} {{ $a }}{{ end }}"
     " ",
     "0:resolved {resolved alertname=A, severity=info, z=<script>alert('x')</"
     "script>\"&+\n\342\200\250\303\251 d=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 2026-01-02 03:04:05.678 +0000 UTC 2026-01-02 03:05"
     ":00 +0000 UTC javascript:alert(1) 00ff00ff00ff00ff}1:firing {firing ale"
     "rtname=A, job=j summary=s 2026-01-02 03:04:05.678 +0000 UTC 0001-01-01 "
     "00:00:00 +0000 UTC http://x/graph\?g0.expr=a%3Eb&g0.tab=1 00ff00ff00ff0"
     "0ff} "},
    {true,
     "{{ range $i, $a := .Alerts }}{{ $i }}:{{ $a.Status }} {{ $a }}{{ end }}"
     " ",
     "0:resolved {resolved alertname=A, severity=info, z=&lt;script&gt;alert("
     "&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251 d=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&"
     "#34;&amp;&#43;\n\342\200\250\303\251 2026-01-02 03:04:05.678 &#43;0000 "
     "UTC 2026-01-02 03:05:00 &#43;0000 UTC javascript:alert(1) 00ff00ff00ff0"
     "0ff}1:firing {firing alertname=A, job=j summary=s 2026-01-02 03:04:05.6"
     "78 &#43;0000 UTC 0001-01-01 00:00:00 &#43;0000 UTC http://x/graph\?g0.e"
     "xpr=a%3Eb&amp;g0.tab=1 00ff00ff00ff00ff} "},
    {false,
     "{{ .Alerts.Firing }} {{ (.Alerts.Firing | len) }} {{ .Alerts.Firing.Res"
     "olved }}",
     NULL},
    {false,
     "<title>{{ .ExternalURL }} & {{ .CommonAnnotations }}</title><textarea>{"
     "{ safeHtml \"<b>&amp;\" }}</textarea><p title=\"{{ safeHtml \"<b>&amp;'"
     "x\" }}\" alt={{ safeHtml \"<i>a b\" }}>",
     "<title>javascript:x'\"<> & d=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251</title><textarea><b>&amp;</textarea><p title=\"<b>"
     "&amp;'x\" alt=<i>a b>"},
    {true,
     "<title>{{ .ExternalURL }} & {{ .CommonAnnotations }}</title><textarea>{"
     "{ safeHtml \"<b>&amp;\" }}</textarea><p title=\"{{ safeHtml \"<b>&amp;'"
     "x\" }}\" alt={{ safeHtml \"<i>a b\" }}>",
     "<title>javascript:x&#39;&#34;&lt;&gt; & d=&lt;script&gt;alert(&#39;x&#3"
     "9;)&lt;/script&gt;&#34;&amp;&#43;\n\342\200\250\303\251</title><textare"
     "a>&lt;b&gt;&amp;</textarea><p title=\"&amp;&#39;x\" alt=a&#32;b>"},
    {false, "{{ \"a\" | html }} <a title={{ .Status | html }}>", "a <a title=firing>"},
    {true, "{{ \"a\" | html }} <a title={{ .Status | html }}>", NULL},
    {false,
     "<a href=\"/x\?{{ .ExternalURL | urlquery }}&y={{ .ExternalURL }}#{{ .St"
     "atus }}\">",
     "<a href=\"/x\?javascript%3Ax%27%22%3C%3E&y=javascript:x'\"<>#firing\">"},
    {true,
     "<a href=\"/x\?{{ .ExternalURL | urlquery }}&y={{ .ExternalURL }}#{{ .St"
     "atus }}\">",
     "<a href=\"/x\?javascript%3Ax%27%22%3C%3E&y=javascript%3ax%27%22%3c%3e#f"
     "iring\">"},
    {false, "<a href=\"{{ if .Alerts }}/a\?{{ end }}{{ .Status }}\">", "<a href=\"/a\?firing\">"},
    {true, "<a href=\"{{ if .Alerts }}/a\?{{ end }}{{ .Status }}\">", NULL},
    {false,
     "<input {{ .Status }}={{ .Status }} on{{ .Status }}=\"x\" data-{{ .Statu"
     "s }}=\"{{ .ExternalURL }}\">",
     "<input firing=firing onfiring=\"x\" data-firing=\"javascript:x'\"<>\">"},
    {true,
     "<input {{ .Status }}={{ .Status }} on{{ .Status }}=\"x\" data-{{ .Statu"
     "s }}=\"{{ .ExternalURL }}\">",
     "<input firing=firing onfiring=\"x\" data-firing=\"javascript:x&#39;&#34"
     ";&lt;&gt;\">"},
    {false,
     "<meta http-equiv=\"refresh\" content=\"0; url={{ .ExternalURL }}\"><scr"
     "ipt type=\"text/plain\">{{ .ExternalURL }}</script><script type=\"appli"
     "cation/ld+json\">{\"a\": {{ .CommonLabels }}}</script>",
     "<meta http-equiv=\"refresh\" content=\"0; url=javascript:x'\"<>\"><scri"
     "pt type=\"text/plain\">javascript:x'\"<></script><script type=\"applica"
     "tion/ld+json\">{\"a\": alertname=A, severity=info, z=<script>alert('x')"
     "</script>\"&+\n\342\200\250\303\251}</script>"},
    {true,
     "<meta http-equiv=\"refresh\" content=\"0; url={{ .ExternalURL }}\"><scr"
     "ipt type=\"text/plain\">{{ .ExternalURL }}</script><script type=\"appli"
     "cation/ld+json\">{\"a\": {{ .CommonLabels }}}</script>",
     "<meta http-equiv=\"refresh\" content=\"0; url=#ZgotmplZ\"><script type="
     "\"text/plain\">javascript:x&#39;&#34;&lt;&gt;</script><script type=\"ap"
     "plication/ld+json\">{\"a\": \"alertname=A, severity=info, z=\\u003cscri"
     "pt\\u003ealert('x')\\u003c/script\\u003e\\\"\\u0026+\\n\\u2028\303\251\""
     "}</script>"},
    {false,
     "<svg><a xlink:href=\"{{ .ExternalURL }}\"></svg><p onmouseover=\"x=/{{ "
     ".Status }}[/]/.test('{{ .Status }}')\">",
     "<svg><a xlink:href=\"javascript:x'\"<>\"></svg><p onmouseover=\"x=/firi"
     "ng[/]/.test('firing')\">"},
    {true,
     "<svg><a xlink:href=\"{{ .ExternalURL }}\"></svg><p onmouseover=\"x=/{{ "
     ".Status }}[/]/.test('{{ .Status }}')\">",
     "<svg><a xlink:href=\"#ZgotmplZ\"></svg><p onmouseover=\"x=/firing[/]/.t"
     "est('firing')\">"},
    {false,
     "<script>a = 1 / {{ .Status }} / 2; b = `${ {{ .Status }} } {{ .Status }"
     "}`; // {{ .Status }}",
     "<script>a = 1 / firing / 2; b = `${ firing } firing`; // firing"},
    {true,
     "<script>a = 1 / {{ .Status }} / 2; b = `${ {{ .Status }} } {{ .Status }"
     "}`; // {{ .Status }}",
     NULL},
    {false,
     "{{ define \"r\" }}{{ if . }}<b>{{ len . }}{{ template \"r\" \"\" }}</b>"
     "{{ end }}{{ end }}{{ template \"r\" .Status }}<p title=\"{{ template \""
     "r\" .Status }}\">",
     "<b>6</b><p title=\"<b>6</b>\">"},
    {false,
     "{{ define \"q\" }}\"{{ . }}\"{{ end }}<a href={{ template \"q\" .Extern"
     "alURL }}>",
     "<a href=\"javascript:x'\"<>\">"},
    {true,
     "{{ define \"q\" }}\"{{ . }}\"{{ end }}<a href={{ template \"q\" .Extern"
     "alURL }}>",
     "<a href=\"#ZgotmplZ\">"},
    {false,
     "{{ printf \"%s %v %q %d\" .Status .CommonLabels .Status 3 }} {{ print ."
     "Alerts.Firing }}",
     "firing alertname=A, severity=info, z=<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 \"firing\" 3 [{firing alertname=A, job=j summary=s"
     " 2026-01-02 03:04:05.678 +0000 UTC 0001-01-01 00:00:00 +0000 UTC http:/"
     "/x/graph\?g0.expr=a%3Eb&g0.tab=1 00ff00ff00ff00ff}]"},
    {true,
     "{{ printf \"%s %v %q %d\" .Status .CommonLabels .Status 3 }} {{ print ."
     "Alerts.Firing }}",
     "firing alertname=A, severity=info, z=&lt;script&gt;alert(&#39;x&#39;)&l"
     "t;/script&gt;&#34;&amp;&#43;\n\342\200\250\303\251 &#34;firing&#34; 3 ["
     "{firing alertname=A, job=j summary=s 2026-01-02 03:04:05.678 &#43;0000 "
     "UTC 0001-01-01 00:00:00 &#43;0000 UTC http://x/graph\?g0.expr=a%3Eb&amp"
     ";g0.tab=1 00ff00ff00ff00ff}]"},
    {false,
     "{{ html .CommonAnnotations }} {{ js .CommonAnnotations }} {{ urlquery ."
     "CommonAnnotations }}",
     "d=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;+\n"
     "\342\200\250\303\251 d\\u003D\\u003Cscript\\u003Ealert(\\'x\\')\\u003C/"
     "script\\u003E\\\"\\u0026+\\u000A\\u2028\303\251 d%3D%3Cscript%3Ealert%2"
     "8%27x%27%29%3C%2Fscript%3E%22%26%2B%0A%E2%80%A8%C3%A9"},
    {true,
     "{{ html .CommonAnnotations }} {{ js .CommonAnnotations }} {{ urlquery ."
     "CommonAnnotations }}",
     "d=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;+\n"
     "\342\200\250\303\251 d\\u003D\\u003Cscript\\u003Ealert(\\&#39;x\\&#39;)"
     "\\u003C/script\\u003E\\&#34;\\u0026&#43;\\u000A\\u2028\303\251 d%3D%3Cs"
     "cript%3Ealert%28%27x%27%29%3C%2Fscript%3E%22%26%2B%0A%E2%80%A8%C3%A9"},
    {false,
     "{{ range .Alerts }}{{ if eq .Status \"firing\" }}{{ continue }}{{ end }"
     "}<i>{{ break }}{{ end }}x",
     "<i>x"},
    {false, "{{ template \"__alertmanager\" . }}", "Alertmanager"},
    {false, "{{ template \"__alertmanagerURL\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"__alertmanagerURL\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"__subject\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"__subject\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"__description\" . }}", ""},
    {false, "{{ template \"slack.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"slack.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"slack.default.username\" . }}", "Alertmanager"},
    {false, "{{ template \"slack.default.fallback\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info) | javascript:x'\"<>/#/alerts\?receiver=te"
     "am-x%5C.y"},
    {true, "{{ template \"slack.default.fallback\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info) | javascript:x&#39;&#34;&lt;&gt;/#/al"
     "erts\?receiver=team-x%5C.y"},
    {false, "{{ template \"slack.default.callbackid\" . }}", ""},
    {false, "{{ template \"slack.default.pretext\" . }}", ""},
    {false, "{{ template \"slack.default.titlelink\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"slack.default.titlelink\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"slack.default.iconemoji\" . }}", ""},
    {false, "{{ template \"slack.default.iconurl\" . }}", ""},
    {false, "{{ template \"slack.default.text\" . }}", ""},
    {false, "{{ template \"slack.default.footer\" . }}", ""},
    {false, "{{ template \"slack.default.color\" . }}", "danger"},
    {false, "{{ template \"pagerduty.default.description\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"pagerduty.default.description\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"pagerduty.default.client\" . }}", "Alertmanager"},
    {false, "{{ template \"pagerduty.default.clientURL\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"pagerduty.default.clientURL\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"pagerduty.default.instances\" . }}", NULL},
    {false, "{{ template \"opsgenie.default.message\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"opsgenie.default.message\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"opsgenie.default.description\" . }}",
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251\n"
     "Alerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"},
    {true, "{{ template \"opsgenie.default.description\" . }}",
     "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"},
    {false, "{{ template \"opsgenie.default.source\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"opsgenie.default.source\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"wechat.default.message\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)\n<script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\nAlertmanagerUrl:\njavascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"wechat.default.message\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)\n&lt;script&gt;alert(&#39;x&#39;)&lt;"
     "/script&gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Alerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\nAlertmanagerUrl:\njavascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=t"
     "eam-x%5C.y"},
    {false, "{{ template \"wechat.default.to_user\" . }}", ""},
    {false, "{{ template \"wechat.default.to_party\" . }}", ""},
    {false, "{{ template \"wechat.default.to_tag\" . }}", ""},
    {false, "{{ template \"wechat.default.agent_id\" . }}", ""},
    {false, "{{ template \"victorops.default.state_message\" . }}",
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251\n"
     "Alerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"},
    {true, "{{ template \"victorops.default.state_message\" . }}",
     "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"},
    {false, "{{ template \"victorops.default.entity_display_name\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"victorops.default.entity_display_name\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"victorops.default.monitoring_tool\" . }}", "Alertmanager"},
    {false, "{{ template \"pushover.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"pushover.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"pushover.default.message\" . }}",
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251\n"
     "\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {true, "{{ template \"pushover.default.message\" . }}",
     "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251\n\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {false, "{{ template \"pushover.default.url\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"pushover.default.url\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"sns.default.subject\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"sns.default.subject\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"sns.default.message\" . }}",
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251\n"
     "\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {true, "{{ template \"sns.default.message\" . }}",
     "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251\n\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {false, "{{ template \"telegram.default.message\" . }}",
     "\n\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {true, "{{ template \"telegram.default.message\" . }}",
     "\n\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {false, "{{ template \"discord.default.content\" . }}", ""},
    {false, "{{ template \"discord.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"discord.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"discord.default.message\" . }}",
     "\n\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {true, "{{ template \"discord.default.message\" . }}",
     "\n\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {false, "{{ template \"webex.default.message\" . }}",
     "<script>alert('x')</script>\"&+\n\342\200\250\303\251\n"
     "\nAlerts Firing:\nLabels:\n - alertname = A\n"
     " - job = j\nAnnotations:\n - summary = s\n"
     "Source: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\nAnnotations:\n - d = <script>alert('x')</script>\""
     "&+\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {true, "{{ template \"webex.default.message\" . }}",
     "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#43;\n"
     "\342\200\250\303\251\n\nAlerts Firing:\nLabels:\n"
     " - alertname = A\n - job = j\nAnnotations:\n"
     " - summary = s\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\nAlerts Resolved:\nLabels:\n - alertname = A\n"
     " - severity = info\n - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&"
     "gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "Annotations:\n - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#3"
     "4;&amp;&#43;\n\342\200\250\303\251\nSource: javascript:alert(1)\n"
     "\n\n"},
    {false, "{{ template \"msteams.default.summary\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"msteams.default.summary\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"msteams.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"msteams.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"msteams.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\n\nAnnotations:\n  - d = <script>alert('x')</scrip"
     "t>\"&+\n\342\200\250\303\251\n\nSource: javascript:alert(1)\n"
     "\n\n\n"},
    {true, "{{ template \"msteams.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/scrip"
     "t&gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "\nAnnotations:\n  - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
     "&#34;&amp;&#43;\n\342\200\250\303\251\n\n"
     "Source: javascript:alert(1)\n\n\n\n"},
    {false, "{{ template \"msteamsv2.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"msteamsv2.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"msteamsv2.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\n\nAnnotations:\n  - d = <script>alert('x')</scrip"
     "t>\"&+\n\342\200\250\303\251\n\nSource: javascript:alert(1)\n"
     "\n\n\n"},
    {true, "{{ template \"msteamsv2.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/scrip"
     "t&gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "\nAnnotations:\n  - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
     "&#34;&amp;&#43;\n\342\200\250\303\251\n\n"
     "Source: javascript:alert(1)\n\n\n\n"},
    {false, "{{ template \"jira.default.summary\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"jira.default.summary\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"jira.default.description\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\n\nAnnotations:\n  - d = <script>alert('x')</scrip"
     "t>\"&+\n\342\200\250\303\251\n\nSource: javascript:alert(1)\n"
     "\n\n\n"},
    {true, "{{ template \"jira.default.description\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/scrip"
     "t&gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "\nAnnotations:\n  - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
     "&#34;&amp;&#43;\n\342\200\250\303\251\n\n"
     "Source: javascript:alert(1)\n\n\n\n"},
    {false, "{{ template \"jira.default.priority\" . }}", "Low"},
    {false, "{{ template \"rocketchat.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"rocketchat.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"rocketchat.default.alias\" . }}", "Alertmanager"},
    {false, "{{ template \"rocketchat.default.titlelink\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"rocketchat.default.titlelink\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"rocketchat.default.emoji\" . }}", ""},
    {false, "{{ template \"rocketchat.default.iconurl\" . }}", ""},
    {false, "{{ template \"rocketchat.default.text\" . }}", ""},
    {false, "{{ template \"mattermost.default.color\" . }}", "danger"},
    {false, "{{ template \"mattermost.default.username\" . }}", "Alertmanager"},
    {false, "{{ template \"mattermost.default.title\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"mattermost.default.title\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
    {false, "{{ template \"mattermost.default.titlelink\" . }}",
     "javascript:x'\"<>/#/alerts\?receiver=team-x%5C.y"},
    {true, "{{ template \"mattermost.default.titlelink\" . }}",
     "javascript:x&#39;&#34;&lt;&gt;/#/alerts\?receiver=team-x%5C.y"},
    {false, "{{ template \"mattermost.default.fallback\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info) | javascript:x'\"<>/#/alerts\?receiver=te"
     "am-x%5C.y"},
    {true, "{{ template \"mattermost.default.fallback\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info) | javascript:x&#39;&#34;&lt;&gt;/#/al"
     "erts\?receiver=team-x%5C.y"},
    {false, "{{ template \"mattermost.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251\n\nAnnotations:\n  - d = <script>alert('x')</scrip"
     "t>\"&+\n\342\200\250\303\251\n\nSource: javascript:alert(1)\n"
     "\n\n\n"},
    {true, "{{ template \"mattermost.default.text\" . }}",
     "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = A\n"
     "  - job = j\n\nAnnotations:\n  - summary = s\n"
     "\nSource: http://x/graph\?g0.expr=a%3Eb&amp;g0.tab=1\n"
     "\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = A\n"
     "  - severity = info\n  - z = &lt;script&gt;alert(&#39;x&#39;)&lt;/scrip"
     "t&gt;&#34;&amp;&#43;\n\342\200\250\303\251\n"
     "\nAnnotations:\n  - d = &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
     "&#34;&amp;&#43;\n\342\200\250\303\251\n\n"
     "Source: javascript:alert(1)\n\n\n\n"},
    {false, "{{ template \"email.default.subject\" . }}",
     "[FIRING:1] <script>alert('x')</script>\"&+\n"
     "\342\200\250\303\251 (A info)"},
    {true, "{{ template \"email.default.subject\" . }}",
     "[FIRING:1] &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;&#4"
     "3;\n\342\200\250\303\251 (A info)"},
};

static int render(const struct template_set *set, struct tvalue data, struct arena *arena,
                  const char *text, bool is_html, struct buf *out, struct baro_error *err)
{
    const struct template_notice notice = {.now = 1767323045678};

    return template_notice_run(set, &notice, data, arena, str_from(text), is_html, out, err);
}

TEST(template_notice_renders_as_alertmanager)
{
    CLEANUP(template_set_freep) struct template_set *set = template_notice_set();
    struct arena arena = {0};
    struct baro_error err = {0};
    struct tvalue data = tvalue_none();

    assert_ok(template_notice_read(&arena, str_from(fixture), &data, &err), &err);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        int result;

        test_row(cases[i].text);
        result = render(set, data, &arena, cases[i].text, cases[i].is_html, &out, &err);
        if (cases[i].want == NULL) {
            assert_true(result < 0);
            assert_int_equal(out.len, 0);
        } else {
            assert_ok(result, &err);
            assert_str_equal(buf_view(&out), str_from(cases[i].want));
        }
        buf_done(&out);
    }
    test_row(NULL);
    arena_done(&arena);
}

TEST(template_notice_route_labels_ask_for_each_other)
{
    static const struct label raw[] = {
        {STR_INIT("a"), STR_INIT("{{ .GroupLabels.alertname }}/{{ routeLabels \"b\" }}")},
        {STR_INIT("b"), STR_INIT("{{ .Receiver }} {{ len .Alerts }}{{ routeLabels \"none\" }}")},
        {STR_INIT("c"), STR_INIT("{{ .NotificationReason }}")},
        {STR_INIT("loop"), STR_INIT("{{ routeLabels \"loop2\" }}")},
        {STR_INIT("loop2"), STR_INIT("{{ routeLabels \"loop\" }}")},
        {STR_INIT("plain"), STR_INIT("{{ .Status }} <&>")},
        {STR_INIT("wrong"), STR_INIT("{{ nothing }}")},
    };
    static const struct label group[] = {{STR_INIT("alertname"), STR_INIT("X")}};
    static const struct template_notice_alert alerts[] = {{.fingerprint = 1}, {.fingerprint = 2}};
    const struct template_notice notice = {.receiver = STR("who"),
                                           .reason = STR("first notification"),
                                           .alerts = alerts,
                                           .count = 2,
                                           .group_labels = {group, 1},
                                           .route_labels = {raw, ARRAY_COUNT(raw)}};
    CLEANUP(template_set_freep) struct template_set *set = template_notice_set();
    struct arena arena = {0};
    struct labels got = {0};
    struct baro_error err = {0};
    struct template_notice rendered = notice;
    struct buf out = {0};

    assert_int_equal(template_notice_route_labels(set, &notice, &arena, &got, &err), 3);
    assert_true(str_contains(str_from(err.message),
                             STR("route label cycle detected: loop -> loop2 -> loop")));
    assert_int_equal(got.count, 4);
    assert_str_equal(labels_get(got, STR("a")), STR("X/who 2"));
    assert_str_equal(labels_get(got, STR("b")), STR("who 2"));
    assert_str_equal(labels_get(got, STR("c")), STR("unknown"));
    assert_str_equal(labels_get(got, STR("plain")), STR("firing <&>"));

    /* What is rendered is text from then on, also where it looks like a template. */
    rendered.route_labels = notice.route_labels;
    assert_ok(template_notice_run(set, &rendered, template_notice_value(&arena, &rendered), &arena,
                                  STR("{{ .RouteLabels.plain }}|{{ routeLabels \"plain\" }}"),
                                  false, &out, &err),
              &err);
    assert_str_equal(buf_view(&out), STR("{{ .Status }} <&>|{{ .Status }} <&>"));
    buf_done(&out);
    arena_done(&arena);
}
