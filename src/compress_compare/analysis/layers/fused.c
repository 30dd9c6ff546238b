/* The statistics of float32 tensors in few passes over their numbers. fused.py says what each function takes and gives.

   Sums are held in double precision, in lanes that are added in one order, so that a tensor has the same sums on every
   machine. Nothing is sorted for the distinct values: the numbers are scattered to buckets by their upper bits, and in
   each bucket a bitmap of the lower bits says what stood there before. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

#define LANES 8
#define WIDE 16 /* lanes of a loop with few sums */
#define BLOCK 1024
#define LOW_BITS 18 /* of a key, which tell numbers of one bucket apart: a bitmap of them stays in the nearest cache */
#define LOW_CODES (1 << LOW_BITS)
#define BUCKETS (1 << (32 - LOW_BITS))
#define FINITE(bucket) ((bucket) >= 0x800000 >> LOW_BITS && (bucket) < BUCKETS - (0x800000 >> LOW_BITS))

typedef struct {
    int64_t nonfinite, zeros, distinct;
    double total, absolute, squares, minimum, maximum, repeated;
} Own;

typedef struct {
    int64_t bands[6], both, base, model;
    double absolute, squares, product;
} Change;

/* Raised with every change of a signature or a meaning, so that an old library is not taken for this one. */
int cc_version(void) { return 1; }

static double added(const double *lanes, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += lanes[i];
    return sum;
}

/* The bits of a number such that larger numbers have larger ones; both zeros have those of +0. */
static inline uint32_t key(float number) {
    float same = number + 0.0f;
    uint32_t bits;
    memcpy(&bits, &same, 4);
    return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

/* The keys of the next numbers, a block at most; returns how many. */
FAST static int keys_of(const float *numbers, int64_t left, uint32_t *keys) {
    int size = left < BLOCK ? (int)left : BLOCK;
    for (int i = 0; i < size; i++) keys[i] = key(numbers[i]);
    return size;
}

/* The least and the greatest of what is finite; infinity and minus infinity where nothing is. */
FAST void cc_span(const float *numbers, int64_t count, double *span) {
    float low[WIDE], high[WIDE];
    for (int i = 0; i < WIDE; i++) low[i] = INFINITY, high[i] = -INFINITY;
    int64_t at = 0;
    for (; at + WIDE <= count; at += WIDE)
        for (int i = 0; i < WIDE; i++) {
            float x = numbers[at + i], size = fabsf(x);
            float below = size < INFINITY ? x : INFINITY, above = size < INFINITY ? x : -INFINITY;
            low[i] = below < low[i] ? below : low[i];
            high[i] = above > high[i] ? above : high[i];
        }
    for (; at < count; at++)
        if (isfinite(numbers[at])) {
            low[0] = numbers[at] < low[0] ? numbers[at] : low[0];
            high[0] = numbers[at] > high[0] ? numbers[at] : high[0];
        }
    span[0] = INFINITY, span[1] = -INFINITY;
    for (int i = 0; i < WIDE; i++) {
        if (low[i] < span[0]) span[0] = low[i];
        if (high[i] > span[1]) span[1] = high[i];
    }
}

/* Sums of numbers while they pass by in blocks. */
typedef struct {
    double total[WIDE], absolute[WIDE], squares[WIDE];
    int64_t zeros;
} Sums;

FAST static void add(const float *numbers, int count, Sums *sums) {
    int32_t none[WIDE] = {0};
    int at = 0;
    for (; at + WIDE <= count; at += WIDE)
        for (int i = 0; i < WIDE; i++) {
            double x = numbers[at + i];
            sums->total[i] += x, sums->absolute[i] += fabs(x), sums->squares[i] += x * x;
            none[i] += numbers[at + i] == 0;
        }
    for (; at < count; at++) {
        double x = numbers[at];
        sums->total[0] += x, sums->absolute[0] += fabs(x), sums->squares[0] += x * x;
        none[0] += x == 0;
    }
    for (int i = 0; i < WIDE; i++) sums->zeros += none[i];
}

static void finish(const Sums *sums, Own *own) {
    memset(own, 0, sizeof *own);
    own->total = added(sums->total, WIDE);
    own->absolute = added(sums->absolute, WIDE);
    own->squares = added(sums->squares, WIDE);
    own->zeros = sums->zeros;
}

static inline double number_of(uint32_t bits) {
    bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
    float number;
    memcpy(&number, &bits, 4);
    return number;
}

/* How many of some lower bits are below those of an edge. */
FAST static int64_t count_below(const uint32_t *bucket, int64_t count, uint32_t edge) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) found += bucket[i] < edge;
    return found;
}

static uint32_t least(const uint32_t *bucket, int64_t count) {
    uint32_t found = bucket[0];
    for (int64_t i = 1; i < count; i++) found = bucket[i] < found ? bucket[i] : found;
    return found;
}

static uint32_t greatest(const uint32_t *bucket, int64_t count) {
    uint32_t found = bucket[0];
    for (int64_t i = 1; i < count; i++) found = bucket[i] > found ? bucket[i] : found;
    return found;
}

/* Scratch memory for a bucket; `seen` and `often` are zero between buckets. */
typedef struct {
    uint64_t seen[LOW_CODES / 64];
    uint32_t often[LOW_CODES], repeated[];
} Scratch;

/* Distinct numbers of a bucket, and the sum of n log2 n over those that stand n times. */
static void count_bucket(const uint32_t *bucket, int64_t count, Scratch *scratch, Own *own) {
    int64_t repeats = 0;
    uint32_t differ = 0;
    for (int64_t i = 1; i < count; i++) differ |= bucket[i] ^ bucket[0];
    if (!differ) {
        own->distinct++;
        own->repeated += count * log2((double)count);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        uint64_t *word = &scratch->seen[bucket[i] >> 6], before = *word;
        /* written always and kept where it stood before: a branch would often be guessed wrong */
        scratch->repeated[repeats] = bucket[i];
        repeats += before >> (bucket[i] & 63) & 1;
        *word = before | 1ull << (bucket[i] & 63);
    }
    own->distinct += count - repeats;
    if (count < LOW_CODES / 128)
        for (int64_t i = 0; i < count; i++) scratch->seen[bucket[i] >> 6] = 0;
    else
        memset(scratch->seen, 0, sizeof scratch->seen);
    for (int64_t i = 0; i < repeats; i++) scratch->often[scratch->repeated[i]]++;
    for (int64_t i = 0; i < repeats; i++) {
        uint32_t *often = &scratch->often[scratch->repeated[i]];
        if (*often) own->repeated += (*often + 1.0) * log2(*often + 1.0);
        *often = 0;
    }
}

/* How many numbers are below each edge, or not above it where `right` says so. */
static void place_edges(const float *edges, const uint8_t *right, int64_t num_edges, const uint32_t *lower,
                     const int32_t *starts, int64_t *below) {
    for (int64_t i = 0; i < num_edges; i++) {
        uint64_t bits = (uint64_t)key(edges[i]) + right[i], bucket = bits >> LOW_BITS;
        uint32_t edge = bits & (LOW_CODES - 1);
        below[i] = starts[bucket < BUCKETS ? bucket : BUCKETS];
        /* nothing is smaller than the least: zero is often an edge, and often most numbers */
        if (bucket < BUCKETS && edge)
            below[i] += count_below(lower + starts[bucket], starts[bucket + 1] - starts[bucket], edge);
    }
}

/* Scatter the lower bits of finite keys to buckets that start where `next` says, and those of others behind them. */
FAST static void scatter(const float *numbers, int64_t count, int32_t *next, int32_t finite, uint32_t *lower) {
    uint32_t keys[BLOCK];
    int32_t last = finite;
    for (int64_t start = 0; start < count; start += BLOCK) {
        int size = keys_of(numbers + start, count - start, keys);
        if (finite == count)
            for (int at = 0; at < size; at++) lower[next[keys[at] >> LOW_BITS]++] = keys[at] & (LOW_CODES - 1);
        else
            for (int at = 0; at < size; at++) {
                uint32_t bucket = keys[at] >> LOW_BITS;
                lower[(*(FINITE(bucket) ? &next[bucket] : &last))++] = keys[at] & (LOW_CODES - 1);
            }
    }
}

/* The sums, and the sizes of buckets, counted by turns in two arrays: neighbors of one bucket need not wait. */
static void sizes_of(const float *numbers, int64_t count, int32_t *sizes, Own *own) {
    uint32_t keys[BLOCK];
    Sums sums = {0};
    for (int64_t start = 0; start < count; start += BLOCK) {
        int size = keys_of(numbers + start, count - start, keys), at = 0;
        add(numbers + start, size, &sums);
        for (; at + 2 <= size; at += 2) sizes[keys[at] >> LOW_BITS]++, sizes[BUCKETS + (keys[at + 1] >> LOW_BITS)]++;
        for (; at < size; at++) sizes[keys[at] >> LOW_BITS]++;
    }
    finish(&sums, own);
}

/* What stands in statistics.own, and where edges stand. `lower` has room for as many entries as there are numbers, of
   which there are fewer than 2^31. Returns 0, or 1 where there is no memory. */
int cc_own(const float *numbers, int64_t count, const float *edges, const uint8_t *right, int64_t num_edges,
           int64_t *below, uint32_t *lower, Own *own) {
    int32_t *sizes = calloc(2 * BUCKETS, sizeof *sizes), *starts = malloc((BUCKETS + 1) * sizeof *starts);
    Scratch *scratch = NULL;
    if (sizes && starts) {
        sizes_of(numbers, count, sizes, own);
        int32_t finite = 0, largest = 0, *next = sizes;
        for (int64_t i = 0; i < BUCKETS; i++) {
            int32_t size = FINITE(i) ? sizes[i] + sizes[BUCKETS + i] : 0;
            next[i] = starts[i] = finite;
            finite += size;
            largest = size > largest ? size : largest;
        }
        starts[BUCKETS] = finite;
        own->nonfinite = count - finite;
        scratch = calloc(1, sizeof *scratch + largest * sizeof *scratch->repeated);
        if (scratch) {
            scatter(numbers, count, next, finite, lower);
            place_edges(edges, right, num_edges, lower, starts, below);
            own->minimum = INFINITY, own->maximum = -INFINITY;
            for (uint32_t i = 0; i < BUCKETS; i++)
                if (starts[i + 1] > starts[i]) {
                    const uint32_t *bucket = lower + starts[i];
                    int32_t size = starts[i + 1] - starts[i];
                    if (isinf(own->minimum)) own->minimum = number_of(i << LOW_BITS | least(bucket, size));
                    if (starts[i + 1] == finite) own->maximum = number_of(i << LOW_BITS | greatest(bucket, size));
                    count_bucket(bucket, size, scratch, own);
                }
        }
    }
    int missing = !scratch;
    free(sizes), free(starts), free(scratch);
    return missing;
}

/* Zeros of either sign of two tensors of one shape: in both, in the first, in the second. */
#define ZEROS(name, type, accumulator, steps)                                                                \
    FAST void name(const type *first, const type *second, int64_t count, int64_t *zeros) {                   \
        zeros[0] = zeros[1] = zeros[2] = 0;                                                                  \
        for (int64_t at = 0; at < count;) {                                                                  \
            accumulator both = 0, one = 0, two = 0;                                                          \
            int64_t stop = at + (steps) < count ? at + (steps) : count;                                      \
            for (; at < stop; at++) {                                                                        \
                accumulator a = (type)(first[at] << 1) == 0, b = (type)(second[at] << 1) == 0;               \
                both += a & b, one += a, two += b;                                                           \
            }                                                                                                \
            zeros[0] += both, zeros[1] += one, zeros[2] += two;                                              \
        }                                                                                                    \
    }
ZEROS(cc_zeros32, uint32_t, uint32_t, 1 << 30)
ZEROS(cc_zeros16, uint16_t, uint16_t, 65535)

/* How often each code of 16 bits stands, as two counts to be added: neighbors that are equal need not wait. */
void cc_codes16(const uint16_t *codes, int64_t count, int64_t *counts) {
    int64_t at = 0;
    for (; at + 2 <= count; at += 2) counts[codes[at]]++, counts[65536 + codes[at + 1]]++;
    for (; at < count; at++) counts[codes[at]]++;
}

/* Sum of squares of each row; the last may be shorter. */
FAST void cc_rows(const float *numbers, int64_t count, int64_t width, double *rows) {
    for (int64_t row = 0; row * width < count; row++) {
        int64_t at = row * width, stop = at + width < count ? at + width : count;
        double lanes[LANES] = {0};
        for (; at + LANES <= stop; at += LANES)
            for (int i = 0; i < LANES; i++) lanes[i] += (double)numbers[at + i] * numbers[at + i];
        double sum = added(lanes, LANES);
        for (; at < stop; at++) sum += (double)numbers[at] * numbers[at];
        rows[row] = sum;
    }
}

/* One step of cc_change: sums of a row's numbers in lanes, and how many reach each edge of the bands. */
#define STEP(i, lane)                                                                                        \
    do {                                                                                                     \
        float b = base[i], m = model[i];                                                                     \
        double first = b, second = m, moved = second - first, size = fabs(moved);                            \
        absolute[lane] += size, squares[lane] += moved * moved, product[lane] += first * second;             \
        theirs[lane] += first * first, ours[lane] += second * second;                                        \
        float share = (float)size / fabsf(b);                                                                \
        none0[lane] += (b == 0) & (m == 0), none1[lane] += b == 0, none2[lane] += m == 0;                    \
        reach0[lane] += share >= 0.2f, reach1[lane] += share >= 0.4f, reach2[lane] += share >= 0.6f;         \
        reach3[lane] += share >= 0.8f, reach4[lane] += share > 1.0f;                                         \
    } while (0)

/* What stands in statistics.change of a piece of two tensors, and the sums of squares of the rows of each. */
FAST void cc_change(const float *base, const float *model, int64_t count, int64_t width, double *base_rows,
                    double *model_rows, Change *change) {
    double absolute[LANES] = {0}, squares[LANES] = {0}, product[LANES] = {0};
    int32_t none0[LANES] = {0}, none1[LANES] = {0}, none2[LANES] = {0};
    int32_t reach0[LANES] = {0}, reach1[LANES] = {0}, reach2[LANES] = {0}, reach3[LANES] = {0}, reach4[LANES] = {0};
    for (int64_t row = 0; row * width < count; row++) {
        int64_t at = row * width, stop = at + width < count ? at + width : count;
        double theirs[LANES] = {0}, ours[LANES] = {0};
        for (; at + LANES <= stop; at += LANES)
            for (int i = 0; i < LANES; i++) STEP(at + i, i);
        for (; at < stop; at++) STEP(at, 0);
        base_rows[row] = added(theirs, LANES), model_rows[row] = added(ours, LANES);
    }
    memset(change, 0, sizeof *change);
    change->absolute = added(absolute, LANES);
    change->squares = added(squares, LANES);
    change->product = added(product, LANES);
    int64_t reached[7] = {count, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < LANES; i++) {
        reached[1] += reach0[i], reached[2] += reach1[i], reached[3] += reach2[i], reached[4] += reach3[i];
        reached[5] += reach4[i];
        change->both += none0[i], change->base += none1[i], change->model += none2[i];
    }
    for (int i = 0; i < 6; i++) change->bands[i] = reached[i] - reached[i + 1];
}
