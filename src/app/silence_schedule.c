#include "app/silence_schedule.h"

#include <stdio.h>

#include "app/am_client.h"

static int write_times(struct json_writer *json, str list, struct baro_error *err)
{
    for (str range; str_split_next(&list, ',', &range);) {
        size_t dash = str_index_char(range, '-');

        if (dash == SIZE_MAX) {
            return error_set(err, BARO_EUSAGE, "--recurring: times=%.*s: HH:MM-HH:MM is wanted",
                             STR_ARG(range));
        }
        json_write_object_begin(json);
        json_write_pair_str(json, STR("start_time"), str_slice(range, 0, dash));
        json_write_pair_str(json, STR("end_time"), str_from_index(range, dash + 1));
        json_write_object_end(json);
    }
    return 0;
}

static int write_field(struct json_writer *json, str key, str list, struct baro_error *err)
{
    static const char *const keys[] = {"weekdays", "days_of_month", "months", "years"};
    int r = BARO_EUSAGE;

    json_write_key(json, key);
    if (str_is(key, "location")) {
        json_write_str(json, list);
        return 0;
    }
    json_write_array_begin(json);
    if (str_is(key, "times")) {
        r = write_times(json, list, err);
        json_write_array_end(json);
        return r;
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        r = str_is(key, keys[i]) ? 0 : r;
    }
    for (str value; str_split_next(&list, ',', &value);) {
        json_write_str(json, value);
    }
    json_write_array_end(json);
    return r < 0 ? error_set(err, r,
                             "--recurring: \"%.*s\" is none of times, weekdays, days_of_month, "
                             "months, years, location",
                             STR_ARG(key))
                 : 0;
}

static int write_object(struct json_writer *json, str text, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf copy = {0};
    int r = json_doc_parse(text, &root, err);

    if (r >= 0 && json_print(&copy, root)) {
        json_write_raw(json, buf_view(&copy));
    }
    buf_done(&copy);
    return r < 0 ? error_wrap(err, BARO_EUSAGE, "--recurring") : 0;
}

int silence_schedule_write(struct json_writer *json, str words, struct baro_error *err)
{
    int r = 0;

    words = str_trim(words);
    if (str_has_prefix(words, STR("{"))) {
        return write_object(json, words, err);
    }
    json_write_object_begin(json);
    for (str word; r >= 0 && str_split_next(&words, ' ', &word);) {
        size_t equals = str_index_char(word, '=');

        if (word.len > 0) {
            r = write_field(json, str_slice(word, 0, equals),
                            equals == SIZE_MAX ? STR("") : str_from_index(word, equals + 1), err);
        }
    }
    json_write_object_end(json);
    return r;
}

void silence_schedule_print(const struct json *windows)
{
    struct arena arena = {0};

    for (size_t i = 0; i < json_count(windows); i++) {
        const struct json *window = json_at(windows, i);

        (void)printf("  %.*s  %.*s\n",
                     STR_ARG(am_client_time(&arena, json_get(window, "startsAt"))),
                     STR_ARG(am_client_time(&arena, json_get(window, "endsAt"))));
    }
    if (json_count(windows) == 0) {
        (void)printf("  no window within 400 days\n");
    }
    arena_done(&arena);
}
