/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves specimen.idl, and FaultHandler for whoever sends its messages: what a handler is given must be as the
 * interface says, or this program dies. It keeps nothing from one request to the next. Memory that clients map on it
 * does not touch: that is gone when they die.
 */
#include "specimen.h"

#include <salto/startup.h>
#include <stdbool.h>
#include <string.h>

#include "idl/fault_server.h"
#include "idl/specimen_server.h"

#define WINDOW 0x300000000000UL
#define WINDOW_SIZE (1UL << 16)
#define INTERFACE_SHIFT 48 /* of a request's tag */

static struct specimen_buffers buffers;

static void must(bool good)
{
    if (!good)
        __builtin_trap();
}

static bool is_point(const struct specimen_point *point)
{
    return specimen_color_is_valid(point->color) && *(const uint8_t *)&point->lit <= 1;
}

static uint64_t sum_points(uint64_t sum, const struct specimen_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        must(is_point(&points[i]));
    return sum_bytes(sum, points, count * sizeof(*points));
}

static uint64_t sum_text(uint64_t sum, idl_string text)
{
    must(idl_is_text(text.text, text.size) && text.text[text.size] == 0);
    return sum_bytes(sum, text.text, text.size);
}

static int on_scalars(void *object, const struct idl_call *call, uint8_t small, int16_t signed_small, uint32_t number,
                      int32_t signed_number, uint64_t large, bool truth, specimen_color_t color,
                      specimen_wishes_t wishes, uint64_t *sum)
{
    const uint64_t words[] = {small, (uint64_t)signed_small, number, (uint64_t)signed_number, large, truth, color,
                              wishes};
    (void)object, (void)call;
    must(specimen_color_is_valid(color) && specimen_wishes_is_valid(wishes) && *(const uint8_t *)&truth <= 1);
    *sum = SUM_START;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        *sum = sum_word(*sum, words[i]);
    return 0;
}

static int on_points(void *object, const struct idl_call *call, const struct specimen_point *point,
                     const struct specimen_point corners[3], const specimen_color_t colors[5], const bool truths[3],
                     uint64_t *sum)
{
    (void)object, (void)call;
    for (int i = 0; i < 5; i++)
        must(specimen_color_is_valid(colors[i]));
    for (int i = 0; i < 3; i++)
        must(((const uint8_t *)truths)[i] <= 1);
    *sum = sum_points(sum_points(SUM_START, point, 1), corners, 3);
    *sum = sum_bytes(sum_bytes(*sum, colors, 5), truths, 3);
    return 0;
}

static int on_shapes(void *object, const struct idl_call *call, const struct specimen_shape *shape,
                     const struct specimen_optional_color *maybe, const struct specimen_options *options, uint64_t *sum)
{
    (void)object, (void)call;
    must(shape->tag >= SPECIMEN_SHAPE_AT && shape->tag <= SPECIMEN_SHAPE_RADIUS);
    must(shape->tag != SPECIMEN_SHAPE_AT || is_point(&shape->as.at));
    must(*(const uint8_t *)&maybe->present <= 1 && (!maybe->present || specimen_color_is_valid(maybe->value)));
    *sum = sum_word(sum_word(SUM_START, shape->tag), options->present);
    return 0;
}

static int on_texts(void *object, const struct idl_call *call, idl_string name, const void *note, size_t note_size,
                    const struct specimen_point *points, size_t points_count, uint64_t *sum)
{
    (void)object, (void)call;
    must(name.size <= 40 && note_size <= 30 && points_count <= 4);
    *sum = sum_points(sum_bytes(sum_text(SUM_START, name), note, note_size), points, points_count);
    return 0;
}

static int on_long_texts(void *object, const struct idl_call *call, idl_string text, const void *data, size_t data_size,
                         const struct specimen_point *points, size_t points_count, uint64_t *sum)
{
    (void)object, (void)call;
    must(text.size <= SPECIMEN_LONGEST_TEXT && data_size <= SPECIMEN_LONGEST_DATA && points_count <= 50);
    *sum = sum_points(sum_bytes(sum_text(SUM_START, text), data, data_size), points, points_count);
    return 0;
}

static void write_letters(struct idl_outbuf *buffer, uint32_t seed)
{
    for (; buffer->length < buffer->capacity; buffer->length++)
        ((char *)buffer->data)[buffer->length] = letter_of(seed, buffer->length);
}

static int on_read(void *object, const struct idl_call *call, uint32_t seed, struct idl_outbuf *name,
                   struct idl_outbuf *text, uint64_t *sum)
{
    (void)object, (void)call;
    must(name->capacity <= 40 && text->capacity <= SPECIMEN_LONGEST_TEXT);
    write_letters(name, seed);
    write_letters(text, seed + 1);
    *sum = sum_bytes(sum_bytes(SUM_START, name->data, name->length), text->data, text->length);
    return 0;
}

static int on_capabilities(void *object, const struct idl_call *call, struct idl_cap *task, struct idl_cap *other,
                           uint32_t number, uint64_t *sum)
{
    (void)object, (void)call;
    must(task->handle != 0 && other->handle != 0 && task->handle != other->handle);
    *sum = sum_word(SUM_START, number);
    return 0;
}

static int on_view(void *object, const struct idl_call *call, struct idl_pages *view, uint32_t number, uint64_t *sum)
{
    (void)object, (void)call;
    must((uint64_t)view->address - WINDOW < WINDOW_SIZE && view->size <= WINDOW_SIZE);
    *sum = sum_word(SUM_START, number);
    return 0;
}

static int on_work(void *object, const struct idl_call *call, const struct idl_pages *work, uint32_t number,
                   uint64_t *sum)
{
    (void)object, (void)call;
    must((uint64_t)work->address - WINDOW < WINDOW_SIZE && work->size <= WINDOW_SIZE);
    *sum = sum_word(SUM_START, number);
    return 0;
}

static void on_hint(void *object, const struct idl_call *call, specimen_color_t color, const uint8_t text[100])
{
    (void)object, (void)call, (void)text;
    must(specimen_color_is_valid(color));
}

static int on_refusals(void *object, const struct idl_call *call, uint64_t *count, uint32_t *label, uint32_t *parameter,
                       uint32_t *error)
{
    struct idl_refusal last;
    (void)object, (void)call;
    *count = salto_refusals(&last);
    *label = last.label;
    *parameter = last.parameter;
    *error = last.error;
    return 0;
}

/* No thread stands still: whoever sends this is no kernel. */
static int handler_exception(void *object, const struct idl_call *call, uint32_t number, uint32_t vector,
                             uint32_t error, uint64_t address, const struct kernel_registers *registers,
                             struct kernel_registers *result)
{
    (void)object, (void)call, (void)number, (void)vector, (void)error, (void)address, (void)registers, (void)result;
    return -ERROR_BUSY;
}

SPECIMEN_SERVER(serve_specimen, on)
KERNEL_FAULT_HANDLER_SERVER(serve_faults, handler)

static struct idl_answer serve(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                               uint64_t word3, struct idl_string_frame *frame)
{
    if (tag >> INTERFACE_SHIFT == KERNEL_FAULT_HANDLER_ID)
        return serve_faults(badge, word0, word1, tag, word2, word3, frame->plain);
    return serve_specimen(badge, word0, word1, tag, word2, word3, frame);
}

int main(void)
{
    idl_set_window(ipc_utcb(), (struct idl_pages){(void *)WINDOW, WINDOW_SIZE});
    return specimen_serve(salto_require("specimen"), serve, NULL, &buffers) != 0;
}
