/*
 * The binary interface of kpack kernels, version 1, for C11 on wasm32: what a kernel is given, what it
 * returns, and cursors through both. Everything is inline; there is nothing to link.
 *
 *     #include <kpack.h>
 *
 *     KPACK_EXPORT("scale_forward")
 *     int32_t scale_forward(const kpack_descriptor *call)
 *     {
 *         kpack_params params = kpack_params_of(call);
 *         uint32_t rows = kpack_read_u32(&params);
 *         ...
 *         if (kpack_params_end(&params) != KPACK_OK)
 *             return KPACK_INVALID_PARAMS;
 *         ...
 *     }
 *
 * A kernel in C is declared by hand, in the kernels.json of its pack, and `kpack hash` fills in the
 * digests. docs/abi.md says the same as this header in words.
 */
#ifndef KPACK_H
#define KPACK_H

#include <stdbool.h>
#include <stdint.h>

#ifndef __wasm32__
#error "kernels are built for wasm32: clang --target=wasm32"
#endif

/* What the manifest's field `abi` names. */
#define KPACK_ABI_VERSION 1
/* Every region, and every tensor packed into a region, starts at a multiple of this many bytes. */
#define KPACK_REGION_ALIGN 64
/* Bytes of a page of memory. */
#define KPACK_PAGE_SIZE 65536
/* Bytes of a kpack_descriptor. */
#define KPACK_DESCRIPTOR_SIZE 40

/* Exports the function that follows under the name that the manifest gives as `entry_point`. */
#define KPACK_EXPORT(entry_point) __attribute__((export_name(entry_point)))

/*
 * What an entry point returns. 1 to 3 are the caller's fault: they lead to no fallback. 4 and above are
 * the kernel's own.
 */
typedef enum kpack_status {
    KPACK_OK = 0,
    KPACK_INVALID_INPUT = 1,
    KPACK_INVALID_OUTPUT = 2,
    KPACK_INVALID_PARAMS = 3,
    KPACK_OUT_OF_MEMORY = 4,
    KPACK_NOT_IMPLEMENTED = 5,
    KPACK_INTERNAL_ERROR = 6
} kpack_status;

/*
 * Where the host has laid out one call. Offsets count from the start of the memory, so each is the
 * address itself. An unused region is offset 0, size 0.
 */
typedef struct kpack_descriptor {
    /* The first input. */
    uint32_t input_a_offset;
    uint32_t input_a_size;
    /* All further inputs, one after another. */
    uint32_t input_b_offset;
    uint32_t input_b_size;
    /* The outputs, one after another; all zero before a call. */
    uint32_t output_offset;
    uint32_t output_size;
    /* The scratch tensor, with anything in it. */
    uint32_t scratch_offset;
    uint32_t scratch_size;
    /* Symbols, then parameters. */
    uint32_t params_offset;
    uint32_t params_size;
} kpack_descriptor;

/* Elements of one block of either kind. */
#define KPACK_BLOCK_ELEMENTS 32

/* 32 elements of the data type q8, ggml's block_q8_0: element i is scale * quants[i]. */
typedef struct kpack_q8_block {
    /* The bits of a binary16. */
    uint16_t scale;
    int8_t quants[KPACK_BLOCK_ELEMENTS];
} kpack_q8_block;

/*
 * 32 elements of the data type q4, ggml's block_q4_0: elements i and i + 16 are the low and the high
 * half of nibbles[i], less 8, times scale.
 */
typedef struct kpack_q4_block {
    /* The bits of a binary16. */
    uint16_t scale;
    uint8_t nibbles[KPACK_BLOCK_ELEMENTS / 2];
} kpack_q4_block;

_Static_assert(sizeof(kpack_descriptor) == KPACK_DESCRIPTOR_SIZE, "no padding");
_Static_assert(sizeof(kpack_q8_block) == 34 && sizeof(kpack_q4_block) == 18, "no padding");
_Static_assert(sizeof(void *) == 4, "an offset is an address");

/*
 * The parameter block, read from its start: first every symbol as u32, each bare name once, in order of
 * first appearance through inputs and outputs; then every parameter, sorted by name bytewise. Each value
 * stands at the next multiple of its own size. After a read past the end every value is 0 and
 * kpack_params_end says so.
 */
typedef struct kpack_params {
    uint32_t offset;
    uint32_t size;
    uint32_t taken;
    kpack_status status;
} kpack_params;

static inline kpack_params kpack_params_of(const kpack_descriptor *call)
{
    kpack_params params = {call->params_offset, call->params_size, 0, KPACK_OK};
    return params;
}

/* Where the next value of `size` bytes stands, or 0 if the block ends before its end. */
static inline const void *kpack_params_place(kpack_params *params, uint32_t size)
{
    uint64_t at = ((uint64_t)params->taken + size - 1) / size * size;
    if (params->status != KPACK_OK || at + size > params->size) {
        params->status = KPACK_INVALID_PARAMS;
        return 0;
    }
    params->taken = (uint32_t)(at + size);
    return (const void *)(uintptr_t)(params->offset + at);
}

#define KPACK_DEFINE_READ(name, type)                             \
    static inline type kpack_read_##name(kpack_params *params)    \
    {                                                             \
        type value = 0;                                           \
        const void *at = kpack_params_place(params, sizeof value); \
        if (at != 0)                                              \
            __builtin_memcpy(&value, at, sizeof value);           \
        return value;                                             \
    }

KPACK_DEFINE_READ(u32, uint32_t)
KPACK_DEFINE_READ(i32, int32_t)
KPACK_DEFINE_READ(f32, float)
KPACK_DEFINE_READ(u64, uint64_t)
KPACK_DEFINE_READ(i64, int64_t)
KPACK_DEFINE_READ(f64, double)
#undef KPACK_DEFINE_READ

/* A bool: a u32 that is 0 or 1. */
static inline bool kpack_read_bool(kpack_params *params)
{
    uint32_t value = kpack_read_u32(params);
    if (value > 1)
        params->status = KPACK_INVALID_PARAMS;
    return value == 1;
}

/* KPACK_OK if every read found its value and nothing is left, else KPACK_INVALID_PARAMS. */
static inline kpack_status kpack_params_end(const kpack_params *params)
{
    return params->taken == params->size ? params->status : KPACK_INVALID_PARAMS;
}

/* The tensors of a region, in the order of the manifest. */
typedef struct kpack_region {
    uint32_t offset;
    uint32_t size;
    uint64_t taken;
} kpack_region;

static inline kpack_region kpack_first_input(const kpack_descriptor *call)
{
    kpack_region region = {call->input_a_offset, call->input_a_size, 0};
    return region;
}

static inline kpack_region kpack_further_inputs(const kpack_descriptor *call)
{
    kpack_region region = {call->input_b_offset, call->input_b_size, 0};
    return region;
}

static inline kpack_region kpack_outputs(const kpack_descriptor *call)
{
    kpack_region region = {call->output_offset, call->output_size, 0};
    return region;
}

static inline kpack_region kpack_scratch(const kpack_descriptor *call)
{
    kpack_region region = {call->scratch_offset, call->scratch_size, 0};
    return region;
}

/*
 * `count` times one more dimension. A tensor too large for any memory has UINT64_MAX elements, and so
 * has it times anything.
 */
static inline uint64_t kpack_times(uint64_t count, uint32_t dim)
{
    return count > UINT32_MAX ? UINT64_MAX : count * dim;
}

/*
 * The next tensor of a region: `count` elements (or blocks) of `element_size` bytes, or 0 if the region
 * does not hold that many more. A kernel that gets 0 returns the status of that region.
 */
static inline void *kpack_next(kpack_region *region, uint64_t count, uint32_t element_size)
{
    uint64_t from = (region->taken + KPACK_REGION_ALIGN - 1) / KPACK_REGION_ALIGN * KPACK_REGION_ALIGN;
    if (count > UINT32_MAX || from + count * element_size > region->size)
        return 0;
    region->taken = from + count * element_size;
    /* Of no element there is no address; this one is not 0. */
    return (void *)(uintptr_t)(count == 0 ? KPACK_REGION_ALIGN : region->offset + from);
}

/* Whether every byte of the region belongs to a tensor that kpack_next gave, or to a gap before one. */
static inline bool kpack_used_up(const kpack_region *region)
{
    return region->taken == region->size;
}

#endif
