/*
 * The default body of e-mails: the document that Alertmanager 0.34 sends, to the byte, since
 * filters and archives know it. Its look is that of Mailgun's "transactional email templates" (MIT
 * licence, copyright 2014 Mailgun): styles stand in each tag because mail programs read no style
 * sheets.
 */
#include "template/template_notice_priv.h"

/* clang-format off: the pieces show the document's lines. */
#define FONT "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;"
#define BASE "margin: 0; " FONT " font-size: 14px;"
#define TOP  " vertical-align: top;"

/* A tag with the base style and more. */
#define STYLED(style) " style=\"" style "\""
#define PLAIN         STYLED(BASE)
#define BREAK         "<br" PLAIN ">"
#define STRONG(text)  "<strong" PLAIN ">" text "</strong>"

#define TABLE_ROW "<tr" PLAIN ">\n"
#define BLOCK_CELL                                                                                 \
    "<td class=\"content-block\"" STYLED(BASE TOP " padding: 0 0 20px;") " valign=\"top\">\n"

/* A row of the inner table. */
#define BLOCK_BEGIN "                " TABLE_ROW "                  " BLOCK_CELL
#define BLOCK_END   "                  </td>\n                </tr>\n"
#define LINE        "                    "

#define BANNER(kind, color)                                                                        \
    "            <td class=\"alert alert-" kind "\"" STYLED(                                       \
        "margin: 0; " FONT TOP " font-size: 16px; color: #fff; font-weight: 500; padding: 20px;"   \
        " text-align: center; border-radius: 3px 3px 0 0; background-color: " color                \
        ";") " valign=\"top\" align=\"center\" bgcolor=\"" color "\">\n"                           \
             "              {{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for "     \
             "{{ range .GroupLabels.SortedPairs }}\n                {{ .Name }}={{ .Value }}"
#define BANNER_END "\n              {{ end }}\n            </td>\n            "

#define PAIRS(of)                                                                                  \
    LINE "{{ range " of ".SortedPairs }}{{ .Name }} = {{ .Value }}" BREAK "{{ end }}\n"

#define COUNT(list, word)                                                                          \
    BLOCK_BEGIN LINE STRONG("[{{ len " list " }}] " word) "\n" BLOCK_END "                "

const char *const template_notice_emails[] = {
    /* One row for each of a list of alerts. */
    "{{ define \"barograph.email.alerts\" }}{{ range . }}\n" BLOCK_BEGIN,
    LINE STRONG("Labels") BREAK "\n" PAIRS(".Labels"),
    LINE "{{ if .Annotations }}" STRONG("Annotations") BREAK "{{ end }}\n" PAIRS(".Annotations"),
    LINE "<a href=\"{{ .GeneratorURL }}\"" STYLED(
        BASE " color: #348eda; text-decoration: underline;") ">Source</a>" BREAK "\n" BLOCK_END
                                                             "                {{ end }}{{ end }}",

    "{{ define \"email.default.html\" }}\n\n"
    "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
    "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
    "<html xmlns=\"http://www.w3.org/1999/xhtml\"" PLAIN ">\n"
    "<head>\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\">\n"
    "<title>{{ template \"__subject\" . }}</title>\n",

    /* What small screens get. */
    "<style>\n"
    "@media only screen and (max-width: 640px) {\n"
    "  body {\n    padding: 0 !important;\n  }\n\n"
    "  h1,\nh2,\nh3,\nh4 {\n    font-weight: 800 !important;\n    margin: 20px 0 5px !important;\n "
    " }\n\n"
    "  h1 {\n    font-size: 22px !important;\n  }\n\n"
    "  h2 {\n    font-size: 18px !important;\n  }\n\n"
    "  h3 {\n    font-size: 16px !important;\n  }\n\n"
    "  .container {\n    padding: 0 !important;\n    width: 100% !important;\n  }\n\n"
    "  .content {\n    padding: 0 !important;\n  }\n\n"
    "  .content-wrap {\n    padding: 10px !important;\n  }\n\n"
    "  .invoice {\n    width: 100% !important;\n  }\n"
    "}\n"
    "</style>\n</head>\n\n",

    /* The page, and the box in its middle. */
    "<body itemscope itemtype=\"https://schema.org/EmailMessage\"" STYLED(
        BASE " -webkit-font-smoothing: antialiased; -webkit-text-size-adjust: none; height: 100%;"
             " line-height: 1.6em; background-color: #f6f6f6; width: 100%;") ">\n\n",
    "<table class=\"body-wrap\"" STYLED(
        BASE " background-color: #f6f6f6; width: 100%;") " width=\"100%\" bgcolor=\"#f6f6f6\">\n"
                                                         "  " TABLE_ROW "    <td" STYLED(
                                                             BASE TOP) " valign=\"top\"></td>\n",
    "    <td class=\"container\" width=\"600\"" STYLED(
        FONT " font-size: 14px;" TOP " display: block; max-width: 600px; margin: 0 auto; clear: "
             "both;") " valign=\"top\">\n"
                      "      <div class=\"content\"" STYLED(
                          FONT " font-size: 14px; max-width: 600px; margin: 0 "
                               "auto; display: block; padding: 20px;") ">\n",
    "        <table class=\"main\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"" STYLED(
        BASE
        " background-color: #fff; border: 1px solid #e9e9e9; border-radius: 3px;") " bgcolor=\"#"
                                                                                   "fff\">\n"
                                                                                   "         "
                                                                                   " " TABLE_ROW,

    /* The coloured heading. */
    "            {{ if .Alerts.Firing }}\n" BANNER("warning", "#E6522C") BANNER_END,
    "{{ else }}\n" BANNER("good", "#68B90F") " " BANNER_END "{{ end }}\n"
                                             "          </tr>\n",

    "          " TABLE_ROW "            <td class=\"content-wrap\"" STYLED(
        BASE TOP " padding: 30px;") " valign=\"top\">\n"
                                    "              <table width=\"100%\" cellpadding=\"0\" "
                                    "cellspacing=\"0\"" PLAIN ">\n",
    BLOCK_BEGIN LINE
    "<a href=\"{{ template \"__alertmanagerURL\" . }}\" class=\"btn-primary\"" STYLED(
        BASE
        " text-decoration: none; color: #FFF; background-color: #348eda; border: solid #348eda;"
        " border-width: 10px 20px; line-height: 2em; font-weight: bold; text-align: center;"
        " cursor: pointer; display: inline-block; border-radius: 5px; text-transform: "
        "capitalize;") ">View in {{ template \"__alertmanager\" . }}</a>\n" BLOCK_END,

    /* What fires, a line, what does not any more. */
    "                {{ if .Alerts.Firing }}\n" COUNT(".Alerts.Firing", "Firing") "{{ end }}\n",
    "                {{ template \"barograph.email.alerts\" .Alerts.Firing }}\n\n",
    "                {{ if .Alerts.Resolved }}\n                  {{ if .Alerts.Firing }}\n",
    BLOCK_BEGIN LINE BREAK "\n" LINE "<hr" PLAIN ">\n" LINE BREAK "\n" BLOCK_END,
    "                  {{ end }}\n" COUNT(".Alerts.Resolved", "Resolved") "{{ end }}\n",
    "                {{ template \"barograph.email.alerts\" .Alerts.Resolved }}\n"
    "              </table>\n            </td>\n          </tr>\n        </table>\n\n",

    "        <div class=\"footer\"" STYLED(BASE " width: 100%; clear: both; color: #999; padding: "
                                                "20px;") ">\n"
                                                         "          <table width=\"100%\"" PLAIN
                                                         ">\n"
                                                         "            " TABLE_ROW,
    "              <td class=\"aligncenter content-block\"" STYLED(
        "margin: 0; " FONT TOP " padding: 0 0 20px; text-align: center; color: #999; font-size: "
        "12px;") " valign=\"top\" align=\"center\"><a href=\"{{ "
                 ".ExternalURL }}\"" STYLED("margin: 0; " FONT " text-"
                                            "decoration: "
                                            "underline; "
                                            "color: "
                                            "#999; "
                                            "font-size: "
                                            "12px;") ">Se"
                                                     "nt "
                                                     "by "
                                                     "{{ "
                                                     "tem"
                                                     "pla"
                                                     "te "
                                                     "\"_"
                                                     "_al"
                                                     "ert"
                                                     "man"
                                                     "age"
                                                     "r\""
                                                     " . "
                                                     "}}<"
                                                     "/a>"
                                                     "</"
                                                     "td>"
                                                     "\n"
                                                     "   "
                                                     "   "
                                                     "   "
                                                     "   "
                                                     "</"
                                                     "tr>"
                                                     "\n "
                                                     "   "
                                                     "   "
                                                     "   "
                                                     "</"
                                                     "tab"
                                                     "le>"
                                                     "\n "
                                                     "   "
                                                     "   "
                                                     " </"
                                                     "div"
                                                     "></"
                                                     "div"
                                                     ">\n"
                                                     "   "
                                                     " </"
                                                     "td>"
                                                     "\n",
    "    <td" STYLED(BASE TOP) " valign=\"top\"></td>\n"
                               "  </tr>\n</table>\n\n</body>\n</html>\n\n{{ end }}",
    NULL,
};
/* clang-format on */
