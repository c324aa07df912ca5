/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of generated code for floats, arrays of arrays, optionals, unions, tables and sequences
 * (tests/idlc/good/variants.idl): random values go round through client stubs and dispatcher and come back the same;
 * what is out of range is refused by the parameter's number before a handler runs; what is not used is clear on the
 * way. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "variants.h"
#include "variants_server.h"

#include <math.h>
#include <string.h>

#define ROUNDS 2000

static const variants_t variants = {77};
static struct variants_buffers buffers;
static unsigned handler_calls;
static uint64_t random_state = 1;
static struct variants_sample seen_samples[100];
static bool shape_is_clear;

static uint64_t random_next(void)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return random_state >> 20;
}

static uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}

static void random_bytes(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_next();
}

/* ---- Handlers: what comes in goes back --------------------------------------------------------------------------- */

static int on_floats(void *object, const struct idl_call *call, float a, double b, double *sum, float *product)
{
    (void)object, (void)call;
    handler_calls++;
    *sum = (double)a + b;
    *product = a * (float)b;
    return 0;
}

static int on_grids(void *object, const struct idl_call *call, const struct variants_grid *grid,
                    const uint16_t plane[6], uint16_t back[6], struct variants_grid *same)
{
    (void)object, (void)call;
    handler_calls++;
    *same = *grid;
    for (unsigned i = 0; i < 6; i++)
        back[i] = plane[5 - i];
    return 0;
}

static int on_shapes(void *object, const struct idl_call *call, const struct variants_shape *shape,
                     struct variants_shape *same)
{
    static const uint8_t clear[16];

    (void)object, (void)call;
    handler_calls++;
    shape_is_clear = memcmp(shape->idl_padding_0, clear, 4) == 0 &&
                     (shape->tag != VARIANTS_SHAPE_SOLID || memcmp((const char *)&shape->as + 1, clear, 15) == 0);
    *same = *shape;
    return 0;
}

static int on_maybes(void *object, const struct idl_call *call, const struct variants_optional_u32 *number,
                     const struct variants_optional_point *point, struct variants_optional_point *same,
                     struct variants_optional_u32 *count)
{
    (void)object, (void)call;
    handler_calls++;
    *same = *point;
    *count = *number;
    return 0;
}

static int on_options(void *object, const struct idl_call *call, const struct variants_options *options,
                      struct variants_options *same)
{
    (void)object, (void)call;
    handler_calls++;
    *same = *options;
    return 0;
}

static int on_tree(void *object, const struct idl_call *call, const struct variants_tree *tree,
                   struct variants_tree *same)
{
    (void)object, (void)call;
    handler_calls++;
    *same = *tree;
    return 0;
}

static int on_few(void *object, const struct idl_call *call, const struct variants_point *points, size_t points_count,
                  const variants_color_t *colors, size_t colors_count, struct idl_outbuf *same, struct idl_outbuf *back)
{
    (void)object, (void)call;
    handler_calls++;
    memcpy(same->data, points, points_count * sizeof(*points));
    same->length = points_count * sizeof(*points);
    memcpy(back->data, colors, colors_count);
    back->length = colors_count;
    return 0;
}

/* The samples stay where they are; the numbers are copied. */
static int on_many(void *object, const struct idl_call *call, const struct variants_sample *samples,
                   size_t samples_count, const uint16_t *numbers, size_t numbers_count, struct idl_outbuf *same,
                   struct idl_outbuf *sorted)
{
    (void)call;
    handler_calls++;
    memcpy(seen_samples, samples, samples_count * sizeof(*samples));
    same->data = seen_samples;
    same->length = samples_count * sizeof(*samples) + (object != NULL);
    memcpy(sorted->data, numbers, numbers_count * sizeof(*numbers));
    sorted->length = numbers_count * sizeof(*numbers);
    return 0;
}

static int on_line(void *object, const struct idl_call *call, const struct variants_point *points, size_t points_count,
                   float *length)
{
    (void)object, (void)call;
    handler_calls++;
    *length = 0;
    for (size_t i = 0; i < points_count; i++)
        *length += (float)points[i].x;
    return 0;
}

static int on_nested(void *object, const struct idl_call *call, const struct variants_nested *nested,
                     struct variants_optional_u64 *where)
{
    (void)object, (void)call;
    handler_calls++;
    where->present = nested->maybe.present;
    where->value = nested->list.count;
    return 0;
}

VARIANTS_SERVER(serve_variants, on)

static void reset(void)
{
    transport_reset_strings(serve_variants, NULL, &buffers);
    transport.in_server = true;
    variants_open_buffers(&buffers);
    transport.in_server = false;
    handler_calls = 0;
}

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

static struct variants_shape random_shape(void)
{
    static const uint32_t tags[] = {VARIANTS_SHAPE_AT, VARIANTS_SHAPE_RADIUS, VARIANTS_SHAPE_NAME, VARIANTS_SHAPE_SOLID,
                                    VARIANTS_SHAPE_COLORS};
    struct variants_shape shape;

    random_bytes(&shape, sizeof(shape));
    shape.tag = tags[random_below(5)];
    if (shape.tag == VARIANTS_SHAPE_SOLID)
        shape.as.solid = random_below(2) != 0;
    if (shape.tag == VARIANTS_SHAPE_COLORS)
        shape.as.colors[0] = shape.as.colors[1] = (variants_color_t)random_below(2);
    return shape;
}

static size_t size_of_row(uint32_t tag)
{
    const struct variants_shape *shape = NULL;

    return tag == VARIANTS_SHAPE_AT       ? sizeof(shape->as.at)
           : tag == VARIANTS_SHAPE_NAME   ? sizeof(shape->as.name)
           : tag == VARIANTS_SHAPE_SOLID  ? sizeof(shape->as.solid)
           : tag == VARIANTS_SHAPE_COLORS ? sizeof(shape->as.colors)
                                          : sizeof(shape->as.radius);
}

static bool same_shape(const struct variants_shape *a, const struct variants_shape *b)
{
    return a->tag == b->tag && memcmp(&a->as, &b->as, size_of_row(a->tag)) == 0;
}

static bool floats_go_round(void)
{
    float a, product;
    double b, sum, wanted;
    uint64_t bits = random_next() << 20 ^ random_next();

    memcpy(&a, &bits, sizeof(a));
    bits = random_next() << 20 ^ random_next();
    memcpy(&b, &bits, sizeof(b));
    wanted = (double)a + b;
    if (variants_floats(variants, a, b, &sum, &product) != 0)
        return false;
    return (isnan(wanted) && isnan(sum)) || memcmp(&sum, &wanted, sizeof(sum)) == 0;
}

static bool grids_go_round(void)
{
    struct variants_grid grid, same;
    uint16_t plane[6], back[6];

    random_bytes(&grid, sizeof(grid));
    random_bytes(plane, sizeof(plane));
    for (unsigned i = 0; i < 6; i++)
        ((bool *)grid.flags)[i] = random_below(2) != 0;
    if (variants_grids(variants, &grid, plane, back, &same) != 0 || plane[0] != back[5] || plane[5] != back[0])
        return false;
    return memcmp(&grid, &same, offsetof(struct variants_grid, idl_padding_0)) == 0 && same.idl_padding_0[0] == 0;
}

static bool shapes_go_round(void)
{
    struct variants_shape shape = random_shape(), same;

    return variants_shapes(variants, &shape, &same) == 0 && same_shape(&shape, &same) && shape_is_clear;
}

static bool maybes_go_round(void)
{
    struct variants_optional_u32 number, count;
    struct variants_optional_point point, same;

    random_bytes(&number, sizeof(number));
    random_bytes(&point, sizeof(point));
    number.present = random_below(2) != 0;
    point.present = random_below(2) != 0;
    if (variants_maybes(variants, &number, &point, &same, &count) != 0 || count.present != number.present ||
        same.present != point.present)
        return false;
    return count.value == (number.present ? number.value : 0) && same.value.x == (point.present ? point.value.x : 0) &&
           same.value.y == (point.present ? point.value.y : 0);
}

static bool options_go_round(void)
{
    struct variants_options options, same;

    random_bytes(&options, sizeof(options));
    options.read_only = random_below(2) != 0;
    options.shape = random_shape();
    options.color = (variants_color_t)random_below(2);
    if (variants_options(variants, &options, &same) != 0 || same.present != options.present)
        return false;
    return same.pages == (options.present & VARIANTS_OPTIONS_PAGES ? options.pages : 0) &&
           same.read_only == (options.present & VARIANTS_OPTIONS_READ_ONLY ? options.read_only : 0) &&
           (options.present & VARIANTS_OPTIONS_SHAPE ? same_shape(&same.shape, &options.shape) : same.shape.tag == 0) &&
           same.corners[1].y == (options.present & VARIANTS_OPTIONS_CORNERS ? options.corners[1].y : 0) &&
           same.idl_retired_3[0] == 0 && same.idl_padding_2[0] == 0;
}

static bool trees_go_round(void)
{
    struct variants_tree tree, same;

    random_bytes(&tree, sizeof(tree));
    tree.left.present = random_below(2) != 0;
    tree.number.present = random_below(2) != 0;
    tree.shapes.count = (uint32_t)random_below(3);
    tree.shapes.items[0] = random_shape();
    tree.shapes.items[1] = random_shape();
    if (variants_tree(variants, &tree, &same) != 0 || same.shapes.count != tree.shapes.count)
        return false;
    for (unsigned i = 0; i < 2; i++)
        if (i < tree.shapes.count ? !same_shape(&same.shapes.items[i], &tree.shapes.items[i])
                                  : same.shapes.items[i].tag != 0)
            return false;
    return same.number.value == (tree.number.present ? tree.number.value : 0);
}

static bool few_go_round(void)
{
    struct variants_point points[4], same[4];
    variants_color_t colors[9] = {0}, back[9];
    size_t points_count = random_below(5), colors_count = random_below(10), same_count, back_count;

    random_bytes(points, sizeof(points));
    colors[random_below(9)] = VARIANTS_COLOR_GREEN;
    return variants_few(variants, points, points_count, colors, colors_count, same, 4, &same_count, back, 9,
                        &back_count) == 0 &&
           same_count == points_count && back_count == colors_count &&
           memcmp(points, same, points_count * sizeof(*points)) == 0 && memcmp(colors, back, colors_count) == 0;
}

static bool many_go_round(void)
{
    static struct variants_sample samples[100], same[100];
    static uint16_t numbers[1000], sorted[1000];
    size_t samples_count = random_below(101), numbers_count = random_below(1001), same_count, sorted_count;

    random_bytes(samples, sizeof(samples));
    random_bytes(numbers, sizeof(numbers));
    for (unsigned i = 0; i < 100; i++)
        samples[i].color = (variants_color_t)random_below(2);
    return variants_many(variants, samples, samples_count, numbers, numbers_count, same, 100, &same_count, sorted, 1000,
                         &sorted_count) == 0 &&
           same_count == samples_count && sorted_count == numbers_count &&
           memcmp(samples, same, samples_count * sizeof(*samples)) == 0 &&
           memcmp(numbers, sorted, numbers_count * sizeof(*numbers)) == 0;
}

static void test_round_trips(void)
{
    static const struct {
        bool (*go_round)(void);
        const char *what;
    } trips[] = {
        {floats_go_round, "floats"},  {grids_go_round, "arrays of arrays"},
        {shapes_go_round, "unions"},  {maybes_go_round, "optionals"},
        {options_go_round, "tables"}, {trees_go_round, "optionals, unions and sequences in each other"},
        {few_go_round, "sequences"},  {many_go_round, "sequences as string items"},
    };

    for (unsigned i = 0; i < sizeof(trips) / sizeof(trips[0]); i++) {
        unsigned good = 0;

        reset();
        for (unsigned round = 0; round < ROUNDS; round++)
            good += trips[i].go_round();
        host_ok(good == ROUNDS && handler_calls == ROUNDS, "%s go through and come back", trips[i].what);
    }
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

/* Sends a shape with one word replaced: 0 is tag and padding. Which parameter was refused? */
static uint32_t refused_shape(struct variants_shape shape, unsigned word, uint64_t value)
{
    struct variants_shape same = {.tag = 99};

    reset();
    transport.replace_word_mask = 1u << word;
    transport.replace_word = value;
    if (variants_shapes(variants, &shape, &same) != -ERROR_BAD_ARGUMENT || handler_calls || same.tag != 99)
        return 0;
    return idl_refused_parameter();
}

static void test_refused_unions(void)
{
    struct variants_shape solid = {.tag = VARIANTS_SHAPE_SOLID}, colors = {.tag = VARIANTS_SHAPE_COLORS}, same;

    host_ok(refused_shape(solid, 0, 0) == 1 && refused_shape(solid, 0, 3) == 1 &&
                refused_shape(solid, 0, UINT32_MAX) == 1,
            "a tag that is none is refused, by the parameter's number");
    host_ok(refused_shape(solid, 1, 2) == 1 && refused_shape(colors, 1, 0x0200) == 1, "and a bad value behind a tag");
    reset();
    transport.replace_in_reply = true;
    transport.replace_word_mask = 1;
    transport.replace_word = 10;
    same.tag = 99;
    host_ok(variants_shapes(variants, &solid, &same) == -ERROR_BAD_ARGUMENT && same.tag == 99, "in an answer too");
}

static void test_refused_optionals(void)
{
    struct variants_optional_u32 number = {.present = true, .value = 4}, count = {.value = 99};
    struct variants_optional_point point = {.present = false}, same;

    reset();
    transport.replace_word_mask = 1;
    transport.replace_word = 2;
    host_ok(variants_maybes(variants, &number, &point, &same, &count) == -ERROR_BAD_ARGUMENT && handler_calls == 0 &&
                idl_refused_parameter() == 1 && count.value == 99,
            "a value is there or not");
    transport.replace_word_mask = 2;
    transport.replace_word = 0xff;
    host_ok(variants_maybes(variants, &number, &point, &same, &count) == -ERROR_BAD_ARGUMENT &&
                idl_refused_parameter() == 2,
            "of the second parameter too");
}

static void test_refused_tables(void)
{
    struct variants_options options = {.present = VARIANTS_OPTIONS_COLOR, .color = VARIANTS_COLOR_GREEN}, same;

    reset();
    transport.replace_word_mask = 2; /* read_only and pages */
    transport.replace_word = 7;
    host_ok(variants_options(variants, &options, &same) == 0 && handler_calls == 1,
            "rows that are not there are not read");
    transport.replace_word_mask = 3;
    host_ok(variants_options(variants, &options, &same) == -ERROR_BAD_ARGUMENT && idl_refused_parameter() == 1 &&
                handler_calls == 1,
            "those that are there are checked");
    transport.replace_word_mask = 1;
    transport.replace_word = UINT64_C(1) << 63 | VARIANTS_OPTIONS_PAGES;
    host_ok(variants_options(variants, &options, &same) == 0 && same.present == transport.replace_word,
            "rows of a later version are let through");
}

static void test_refused_sequences(void)
{
    static const uint64_t lengths[] = {7, 33, 40, UINT64_MAX};
    struct variants_point points[4] = {{1, 2}}, same[4];
    variants_color_t colors[9] = {0}, back[9];
    size_t same_count = 99, back_count = 99;

    for (unsigned i = 0; i < 4; i++) {
        reset();
        transport.replace_word_mask = 1;
        transport.replace_word = lengths[i];
        host_ok(variants_few(variants, points, 1, colors, 2, same, 4, &same_count, back, 9, &back_count) ==
                        -ERROR_BAD_ARGUMENT &&
                    handler_calls == 0 && same_count == 99 && idl_refused_parameter() == 1,
                "a length of %lu bytes is refused", (unsigned long)lengths[i]);
    }
    reset();
    colors[1] = 2;
    host_ok(variants_few(variants, points, 1, colors, 2, same, 4, &same_count, back, 9, &back_count) ==
                    -ERROR_BAD_ARGUMENT &&
                idl_refused_parameter() == 2,
            "each element is checked");
    host_ok(variants_few(variants, points, 1, colors, 1, same, 4, &same_count, back, 9, &back_count) == 0 &&
                same_count == 1 && back_count == 1,
            "and no more than there are");
    host_ok(variants_few(variants, points, 5, colors, 1, same, 4, &same_count, back, 9, &back_count) ==
                    -ERROR_BAD_ARGUMENT &&
                variants_few(variants, points, SIZE_MAX / 8 + 2, colors, 1, same, 4, &same_count, back, 9,
                             &back_count) == -ERROR_BAD_ARGUMENT &&
                handler_calls == 1,
            "the stub refuses more than there may be");
    host_ok(variants_few(variants, points, 2, colors, 1, same, 1, &same_count, back, 9, &back_count) ==
                -ERROR_ABANDONED,
            "the server answers no more than the caller takes");
}

static void test_refused_items(void)
{
    struct variants_sample samples[3] = {{.at = 1}, {.color = VARIANTS_COLOR_GREEN}}, same[3];
    uint16_t numbers[4] = {1, 2, 3, 4}, sorted[4];
    size_t same_count = 99, sorted_count = 99;
    uint64_t item = (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;

    reset();
    transport.replace_item_mask = 2;
    transport.replace_item = item | 7UL << ITEM_LENGTH_SHIFT;
    host_ok(variants_many(variants, samples, 3, numbers, 4, same, 3, &same_count, sorted, 4, &sorted_count) ==
                    -ERROR_BAD_ARGUMENT &&
                idl_refused_parameter() == 2 && handler_calls == 0,
            "half an element in a string item is refused");
    transport.replace_item = item | 2002UL << ITEM_LENGTH_SHIFT;
    host_ok(variants_many(variants, samples, 3, numbers, 4, same, 3, &same_count, sorted, 4, &sorted_count) ==
                    -ERROR_BAD_ARGUMENT &&
                idl_refused_parameter() == 2,
            "and more than there may be");
    reset();
    samples[2].color = 9;
    host_ok(variants_many(variants, samples, 3, numbers, 4, same, 3, &same_count, sorted, 4, &sorted_count) ==
                    -ERROR_BAD_ARGUMENT &&
                idl_refused_parameter() == 1,
            "and a bad value in an element");
    reset();
    transport.object = &buffers;
    host_ok(variants_many(variants, samples, 2, numbers, 4, same, 3, &same_count, sorted, 4, &sorted_count) ==
                    -ERROR_ABANDONED &&
                same_count == 99,
            "a server that answers half an element is stopped");
}

static void test_nested(void)
{
    struct variants_nested nested = {.shape = {.tag = VARIANTS_SHAPE_AT}, .list = {.count = 40}};
    struct variants_optional_u64 where;
    float length = 0;
    struct variants_point line[2] = {{3, 0}, {4, 0}};

    reset();
    host_ok(variants_nested(variants, &nested, &where) == 0 && !where.present && where.value == 0,
            "what is not there is clear, in answers too");
    nested.list.count = 41;
    host_ok(variants_nested(variants, &nested, &where) == -ERROR_BAD_ARGUMENT && handler_calls == 1,
            "a sequence inside of a struct has an end");
    host_ok(variants_line(variants, line, 2, &length) == 0 && length == 7, "an alias of a sequence is one");
}

int main(void)
{
    test_round_trips();
    test_refused_unions();
    test_refused_optionals();
    test_refused_tables();
    test_refused_sequences();
    test_refused_items();
    test_nested();
    return host_done();
}
