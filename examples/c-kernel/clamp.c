/* clamp_f32: y = x, but not below `low` and not above `high`. A NaN stays one. */

#include <kpack.h>

KPACK_EXPORT("clamp_forward")
int32_t clamp_forward(const kpack_descriptor *call)
{
    kpack_params params = kpack_params_of(call);
    uint32_t rows = kpack_read_u32(&params);
    uint32_t width = kpack_read_u32(&params);
    float high = kpack_read_f32(&params);
    float low = kpack_read_f32(&params);
    if (kpack_params_end(&params) != KPACK_OK || !(low <= high))
        return KPACK_INVALID_PARAMS;

    uint64_t count = kpack_times(rows, width);
    kpack_region inputs = kpack_first_input(call);
    const float *x = kpack_next(&inputs, count, sizeof *x);
    if (x == 0 || !kpack_used_up(&inputs))
        return KPACK_INVALID_INPUT;
    kpack_region outputs = kpack_outputs(call);
    float *y = kpack_next(&outputs, count, sizeof *y);
    if (y == 0 || !kpack_used_up(&outputs))
        return KPACK_INVALID_OUTPUT;

    for (uint32_t i = 0; i < count; i++) {
        float value = x[i];
        value = value < low ? low : value;
        y[i] = value > high ? high : value;
    }
    return KPACK_OK;
}
