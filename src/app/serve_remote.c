/* The flags of what others send to this server, and read from it in bulk. */
#include "app/serve_priv.h"
#include "remote/wire_in.h"

static const char *const message_names[WIRE_MESSAGE_COUNT] = {
    [WIRE_WRITE_1] = "prometheus.WriteRequest",
    [WIRE_WRITE_2] = "io.prometheus.write.v2.Request",
};

/* Notes the messages of one value of the flag: names between commas. */
static int note_messages(str names, bool takes[WIRE_MESSAGE_COUNT], struct baro_error *err)
{
    for (str name; str_split_next(&names, ',', &name);) {
        bool known = false;

        for (int i = 0; i < WIRE_MESSAGE_COUNT; i++) {
            if (str_is(str_trim(name), message_names[i])) {
                takes[i] = true;
                known = true;
            }
        }
        if (!known) {
            return error_set(err, BARO_EUSAGE,
                             "--web.remote-write-receiver.accepted-protobuf-messages: \"%.*s\" is "
                             "not known: %s and %s are",
                             STR_ARG(name), message_names[0], message_names[1]);
        }
    }
    return 0;
}

static int read_messages(const struct serve *serve, bool takes[WIRE_MESSAGE_COUNT],
                         struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; i < serve->flags.list_count && r >= 0; i++) {
        if (serve->flags.list_row[i] == SERVE_FLAG_WEB_REMOTE_WRITE_KINDS) {
            r = note_messages(serve->flags.list[i], takes, err);
        }
    }
    if (!serve->flags.given[SERVE_FLAG_WEB_REMOTE_WRITE_KINDS]) {
        takes[WIRE_WRITE_1] = true;
        takes[WIRE_WRITE_2] = true;
    }
    return r;
}

int serve_remote_check(const struct serve *serve, struct baro_error *err)
{
    bool takes[WIRE_MESSAGE_COUNT] = {0};

    return read_messages(serve, takes, err);
}

static size_t at_least(const struct serve *serve, enum serve_flag row, int64_t least)
{
    const int64_t value = flags_int(&serve->flags, row);

    return (size_t)(value < least ? least : value > UINT32_MAX ? UINT32_MAX : value);
}

/* Asked for once the log is replayed alone. */
static struct appendable *appendable(void *app)
{
    return tsdb_appendable(((struct serve *)app)->tsdb);
}

void serve_remote_context(struct serve *serve, struct api_remote *ret)
{
    *ret = (struct api_remote){
        .appendable = appendable,
        .takes_otlp =
            flags_bool(&serve->flags, SERVE_FLAG_WEB_OTLP) || serve->features.otlp_receiver,
        .takes_otlp_deltas = serve->features.otlp_deltas,
        .keeps_metadata = serve->features.metadata_wal_records,
        .type_and_unit_labels = serve->features.promql.type_and_unit_labels,
        .read_samples_max = at_least(serve, SERVE_FLAG_REMOTE_READ_SAMPLES, 0),
        .read_frame_bytes_max = at_least(serve, SERVE_FLAG_REMOTE_READ_FRAME, 1),
        .read_concurrent = (uint32_t)at_least(serve, SERVE_FLAG_REMOTE_READ_CONCURRENT, 0),
    };
    if (flags_bool(&serve->flags, SERVE_FLAG_WEB_REMOTE_WRITE) || serve->features.write_receiver) {
        (void)read_messages(serve, ret->takes_write, NULL);
    }
}
