#include "promql/engine_priv.h"

int fn_info(UNUSED struct eval *ev, UNUSED const struct timeline *line,
            UNUSED const struct expr *call, UNUSED struct value *ret, struct baro_error *err)
{
    return error_set(err, BARO_EUNSUPPORTED, "the function info is not supported yet");
}
