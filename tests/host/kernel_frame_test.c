/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the kernel's allocators: frames, slabs, and the quotas of factories over them, against counts and
 * patterns of their own. The kernel's own files run over a machine of the host (kernel_parts/). Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "debug/panic.h"
#include "host_tap.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/slab.h"

#define SEED 0xf4a3e5UL
#define ROUNDS 20000
#define PIECES 3000
#define FACTORIES 64
#define QUOTA (8UL << 20)

static const struct boot_range ranges[] = {{HOST_MEMORY_START, 0x200000}, {0x240000, 0x242000}, {0x300000, 0xb00000}};
#define RANGE_FRAMES ((0x100000UL + 0x2000UL + 0x800000UL) / PAGE_SIZE)

static uint64_t state = SEED;

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

static bool in_ranges(uint64_t frame)
{
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (frame >= ranges[i].start && frame + PAGE_SIZE <= ranges[i].end)
            return frame % PAGE_SIZE == 0;
    return false;
}

static bool is_zero(const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    return size == 0 || (byte[0] == 0 && memcmp(byte, byte + 1, size - 1) == 0);
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static void test_exhaustion(void)
{
    static uint64_t frames[RANGE_FRAMES + 1];
    uint64_t count = 0, available = frame_count_free();
    bool good = true;
    for (; (frames[count] = frame_allocate()); count++) {
        good &= in_ranges(frames[count]) && is_zero(physical_to_virtual(frames[count]), PAGE_SIZE);
        memset(physical_to_virtual(frames[count]), 0xa5, PAGE_SIZE);
        *(uint64_t *)physical_to_virtual(frames[count]) = count;
    }
    host_ok(good, "frames are zeroed, aligned, and within the ranges");
    host_ok(count == available && frame_count_free() == 0, "all %lu frames can be had, and no more", count);
    for (uint64_t i = 0; i < count; i++)
        good &= *(uint64_t *)physical_to_virtual(frames[i]) == i;
    host_ok(good, "no frame is handed out twice");
    host_ok(frame_allocate_contiguous(1) == 0, "nor is there a run of frames");
    for (uint64_t i = 0; i < count; i++)
        frame_free(frames[i]);
    host_ok(frame_count_free() == available, "all come back");
    uint64_t frame = frame_allocate();
    host_ok(frame && is_zero(physical_to_virtual(frame), PAGE_SIZE), "a frame used before is zeroed");
    frame_free(frame);
}

static void test_contiguous(void)
{
    uint64_t available = frame_count_free(), run = frame_allocate_contiguous(16);
    host_ok(run && in_ranges(run) && in_ranges(run + 15 * PAGE_SIZE) &&
                is_zero(physical_to_virtual(run), 16 * PAGE_SIZE) && frame_count_free() == available - 16,
            "16 contiguous frames");
    host_ok(frame_allocate_contiguous(RANGE_FRAMES) == 0 && frame_count_free() == available - 16,
            "a run that is nowhere is refused, and nothing is lost");
    for (uint64_t i = 0; i < 16; i++)
        frame_free(run + i * PAGE_SIZE);
    host_ok(frame_count_free() == available, "they come back one by one");
}

static uint64_t bad_frame;

static void free_bad_frame(void)
{
    frame_free(bad_frame);
}

static void test_bad_frees(void)
{
    uint64_t frame = frame_allocate(), available;
    frame_free(frame);
    available = frame_count_free();
    bad_frame = frame;
    host_ok(host_panics(free_bad_frame) && strstr(host_panic_text(), "FRAME_USED"), "a frame freed twice is caught");
    bad_frame = frame + 8;
    host_ok(host_panics(free_bad_frame), "so is an address that is none of a frame");
    bad_frame = HOST_MEMORY_END;
    host_ok(host_panics(free_bad_frame), "one beyond all memory");
    bad_frame = 0x280000;
    host_ok(host_panics(free_bad_frame), "and one in a hole between ranges");
    host_ok(frame_count_free() == available, "which changes nothing");
}

/* ---- Large frames ------------------------------------------------------------------------------------------------ */

#define LARGE_FRAMES 3 /* in the last of the ranges */

static void free_bad_large_frame(void)
{
    frame_free_large(bad_frame);
}

static bool are_large(const uint64_t *frames)
{
    bool good = true;
    for (int i = 0; i < LARGE_FRAMES; i++) {
        good &= frames[i] && frames[i] % LARGE_PAGE_SIZE == 0 && in_ranges(frames[i]);
        good &= in_ranges(frames[i] + LARGE_PAGE_SIZE - PAGE_SIZE);
        for (int j = 0; j < i; j++)
            good &= frames[i] != frames[j];
    }
    return good;
}

/* Whoever comes later finds them on their list, and breaks them up where there is nothing else (test_exhaustion()). */
static void test_large(void)
{
    uint64_t available = frame_count_free(), frames[LARGE_FRAMES], single = frame_allocate_raw();
    for (int i = 0; i < LARGE_FRAMES; i++)
        frames[i] = frame_allocate_large();
    host_ok(are_large(frames) && !frame_allocate_large(), "all large frames can be had, and no more");
    host_ok(frame_count_free() == available - 1 - LARGE_FRAMES * LARGE_PAGE_PAGES && frame_counts_agree(),
            "each counts as 512 frames");
    for (int i = 0; i < LARGE_FRAMES; i++)
        frame_free_large(frames[i]);
    frame_free(single);
    host_ok(frame_count_free() == available && frame_counts_agree() && frame_is_free(frames[0] + PAGE_SIZE),
            "they come back");
    bad_frame = frames[0];
    host_ok(host_panics(free_bad_large_frame), "a large frame freed twice is caught");
    host_ok((frames[0] = frame_allocate_large()), "and had again");
    bad_frame = frames[0] + PAGE_SIZE;
    host_ok(host_panics(free_bad_large_frame), "one that is not aligned is caught");
    frame_free_large(frames[0]);
}

/* What the kernel for tests looks at (debug/invariants.h), broken on purpose. */
static void test_counts(void)
{
    uint64_t first = frame_allocate(), second = frame_allocate(), used = frame_allocate();
    frame_free(second);
    frame_free(first); /* names the second */
    uint64_t *link = physical_to_virtual(first), next = *link;
    host_ok(frame_counts_agree(), "free and used frames add up");
    *link = 0;
    host_ok(!frame_counts_agree(), "not where the free list is cut off");
    *link = used;
    host_ok(!frame_counts_agree(), "nor where it leads to a frame in use");
    *link = first;
    host_ok(!frame_counts_agree(), "nor where it leads nowhere else");
    *link = next;
    host_ok(next == second && frame_counts_agree(), "they do again where it is as before");
    frame_free(used);
}

/* Zeroed frames in stock are free ones, which are handed out first to who wants zeros and last to who does not. */
static void test_stock(void)
{
    static uint64_t frames[RANGE_FRAMES];
    uint64_t available = frame_count_free(), dirty = frame_allocate(), count = 0;
    memset(physical_to_virtual(dirty), 0xa5, PAGE_SIZE);
    frame_free(dirty);
    while (!frame_stock_is_full() && frame_stock_piece())
        count++;
    host_ok(count == FRAME_STOCK && frame_count_free() == available && frame_counts_agree(),
            "%lu free frames are kept in stock", count);
    uint64_t zeroed = frame_allocate();
    host_ok(is_zero(physical_to_virtual(zeroed), PAGE_SIZE), "one of them has zeros");
    host_ok(!frame_stock_is_full() && frame_count_free() == available - 1, "and is in stock no more");
    frame_free(zeroed);
    (void)frame_stock_piece();
    for (count = 0; frame_count_free() > FRAME_STOCK; count++)
        frames[count] = frame_allocate_raw();
    host_ok(frame_stock_is_full() && frame_counts_agree(), "all others can be had without the stock");
    for (; (frames[count] = frame_allocate_raw()); count++)
        continue;
    host_ok(count == available && !frame_stock_piece() && frame_counts_agree(), "and it, too, where no other is left");
    while (count > 0)
        frame_free(frames[--count]);
    host_ok(frame_count_free() == available && frame_counts_agree(), "all come back");
}

/* What comes back zeroed need not be zeroed again, up to a number. */
static void test_zeroed(void)
{
    uint64_t frames[2 * FRAME_STOCK_MOST], available = frame_count_free();
    for (int i = 0; i < 2 * FRAME_STOCK_MOST; i++)
        frames[i] = frame_allocate();
    for (int i = 0; i < 2 * FRAME_STOCK_MOST; i++)
        frame_free_zeroed(frames[i]);
    host_ok(frame_stock_count == FRAME_STOCK_MOST && frame_count_free() == available && frame_counts_agree(),
            "%u zeroed frames that come back are kept in stock", frame_stock_count);
    uint64_t one = frame_allocate();
    host_ok(is_zero(physical_to_virtual(one), PAGE_SIZE), "and handed out zeroed");
    memset(physical_to_virtual(one), 0xa5, PAGE_SIZE);
    frame_free_zeroed(one);
    host_ok(!frame_counts_agree(), "one of them that is not zeroed is found");
    memset((uint8_t *)physical_to_virtual(one) + sizeof(uint64_t), 0, PAGE_SIZE - sizeof(uint64_t));
    host_ok(frame_counts_agree(), "unless it is");
}

/* ---- Slabs ------------------------------------------------------------------------------------------------------- */

static struct factory *payer; /* of all pieces */

static const size_t sizes[] = {1, 8, 63, 64, 65, 128, 129, 256, 257, 1000, 1008, 1009, 2015, 2016};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void test_sizes(void)
{
    uint64_t available = frame_count_free();
    bool good = true;
    for (unsigned i = 0; i < SIZES; i++) {
        void *piece = slab_allocate(payer, sizes[i]);
        good &= piece && (uint64_t)piece % 16 == 0 && is_zero(piece, sizes[i]);
        good &= (uint64_t)piece / PAGE_SIZE == ((uint64_t)piece + sizes[i] - 1) / PAGE_SIZE;
        memset(piece, 0xff, sizes[i]);
        slab_free(piece);
    }
    host_ok(good, "pieces of all classes are aligned, zeroed and within a frame");
    host_ok(frame_count_free() == available, "and every frame goes back with its last piece");
}

struct piece {
    uint8_t *bytes;
    size_t size;
    uint8_t pattern;
};

static bool holds_pattern(const struct piece *piece)
{
    return piece->bytes[0] == piece->pattern && memcmp(piece->bytes, piece->bytes + 1, piece->size - 1) == 0;
}

static bool toggle(struct piece *piece)
{
    bool good = true;
    if (piece->bytes) {
        good = holds_pattern(piece);
        slab_free(piece->bytes);
        piece->bytes = NULL;
        return good;
    }
    piece->size = sizes[random_below(SIZES)];
    piece->bytes = slab_allocate(payer, piece->size);
    piece->pattern = (uint8_t)host_random(&state);
    good = piece->bytes && is_zero(piece->bytes, piece->size);
    memset(piece->bytes, piece->pattern, piece->size);
    return good;
}

static void test_random_pieces(void)
{
    static struct piece pieces[PIECES];
    uint64_t available = frame_count_free();
    bool good = true;
    for (int round = 0; round < ROUNDS && good; round++)
        good = toggle(&pieces[random_below(PIECES)]);
    for (int i = 0; i < PIECES; i++)
        good &= !pieces[i].bytes || toggle(&pieces[i]);
    host_ok(good, "%d random allocations and frees never overlap (seed %#lx)", ROUNDS, SEED);
    host_ok(frame_count_free() == available, "all frames come back");
}

static void test_slab_without_memory(void)
{
    static uint64_t frames[RANGE_FRAMES];
    uint64_t count = 0;
    while ((frames[count] = frame_allocate()))
        count++;
    host_ok(slab_allocate(payer, 64) == NULL, "without a frame there is no piece");
    frame_free(frames[--count]);
    void *piece = slab_allocate(payer, 2016), *second = slab_allocate(payer, 2016);
    host_ok(piece && second && !slab_allocate(payer, 2016), "one frame holds two pieces of 2,016 bytes");
    slab_free(piece);
    slab_free(second);
    while (count > 0)
        frame_free(frames[--count]);
}

/* Pieces are charged by the frames that they take, each payer's by themselves: holes are paid for by who left them. */
static void test_slab_quota(void)
{
    static void *pieces[10 * 63];
    enum error error;
    const struct hot_slots none = {0, 0};
    struct factory *small = factory_create(payer, 10 * PAGE_SIZE, &none, &error);
    unsigned count = 0, left = 0;
    while (count < sizeof(pieces) / sizeof(pieces[0]) && (pieces[count] = slab_allocate(small, 64)))
        count++;
    host_ok(count == 10 * 63 && small->used == 10 * PAGE_SIZE && !slab_allocate(small, 64),
            "a quota bounds the frames");
    for (unsigned i = 0; i < count; i++)
        if (i % 63 != 0)
            slab_free(pieces[i]);
        else
            left++;
    host_ok(left == 10 && small->used == 10 * PAGE_SIZE && !slab_allocate(small, 256),
            "a frame with a piece is paid for");
    void *other = slab_allocate(payer, 64);
    host_ok(other && (uint64_t)other / PAGE_SIZE != (uint64_t)pieces[0] / PAGE_SIZE, "payers share no frame");
    slab_free(other);
    for (unsigned i = 0; i < count; i += 63)
        slab_free(pieces[i]);
    host_ok(small->used == 0, "it comes back with the last piece");
    factory_destroy(small);
}

static void allocate_too_large(void)
{
    slab_allocate(payer, SLAB_MAX_SIZE + 1);
}

/* ---- In place of the kernel's: here no object is killed ---------------------------------------------------------- */

void object_unlist(struct object *object)
{
    if (object->next)
        object->next->previous = object->previous;
    if (object->previous)
        object->previous->next = object->next;
    else if (object->payer && object->payer->objects == object)
        object->payer->objects = object->next;
}

void object_condemn(struct object *object)
{
    panic("an object of type %u is killed", object->type);
}

/* ---- Factories --------------------------------------------------------------------------------------------------- */

/* A factory and what the model knows of it. */
struct node {
    struct factory *factory;
    struct node *parent;
    uint64_t limit, charged; /* charged: by the test itself */
    unsigned charges, children;
    bool named;
};

static struct node nodes[FACTORIES];

/* Frames that hold the records of a factory's children. */
static uint64_t slab_bytes(const struct node *node)
{
    uint64_t bytes = 0;
    for (int i = 0; i < FACTORIES; i++) {
        bool first = nodes[i].factory && nodes[i].parent == node;
        for (int j = 0; j < i; j++)
            first &=
                !nodes[j].factory || (uint64_t)nodes[j].factory / PAGE_SIZE != (uint64_t)nodes[i].factory / PAGE_SIZE;
        bytes += first ? PAGE_SIZE : 0;
    }
    return bytes;
}

/* What is used of a factory by the model: charges, each child's limit, and the frames of their records. */
static uint64_t model_used(const struct node *node)
{
    uint64_t used = node->charged;
    for (int i = 0; i < FACTORIES; i++)
        if (nodes[i].factory && nodes[i].parent == node)
            used += nodes[i].limit;
    return used + slab_bytes(node);
}

/* A factory goes when nothing names it, is charged to it, or comes from it. */
static void model_release(struct node *node)
{
    while (node && !node->named && node->charges == 0 && node->children == 0) {
        struct node *parent = node->parent;
        node->factory = NULL;
        if (parent)
            parent->children--;
        node = parent;
    }
}

static struct node *free_node(void)
{
    for (int i = 0; i < FACTORIES; i++)
        if (!nodes[i].factory)
            return &nodes[i];
    return NULL;
}

/* The share of hot lines that children have of a factory. */
static uint32_t model_slots(const struct node *node)
{
    uint32_t used = 0;
    for (int i = 0; i < FACTORIES; i++)
        if (nodes[i].factory && nodes[i].parent == node)
            used += nodes[i].factory->slots.threads;
    return used;
}

static bool try_create(struct node *parent)
{
    struct node *node = free_node();
    uint64_t limit = random_below(parent->limit / 2 + 1), left = parent->limit - model_used(parent);
    if (!node)
        return true;
    struct hot_slots slots = {(uint32_t)random_below(200), (uint32_t)random_below(200)};
    bool enough = slots.threads <= parent->factory->slots.threads - model_slots(parent);
    enum error error;
    enough &= slots.endpoints <= parent->factory->slots.endpoints - parent->factory->slots_used.endpoints;
    struct factory *factory = factory_create(parent->factory, limit, &slots, &error);
    if (!enough)
        return !factory && error == ERROR_NO_SLOT;
    if (!factory && (error != ERROR_NO_MEMORY || (limit <= left && left - limit >= PAGE_SIZE)))
        return false;
    if (factory && (error != ERROR_NONE || limit > left))
        return false;
    if (factory) {
        *node = (struct node){factory, parent, limit, 0, 0, 0, true};
        parent->children++;
    }
    return true;
}

static bool try_charge(struct node *node)
{
    uint64_t bytes = random_below(node->limit / 4 + 1), left = node->limit - model_used(node);
    bool charged = factory_charge(node->factory, bytes);
    if (charged != (bytes <= left))
        return false;
    node->charged += charged ? bytes : 0;
    node->charges += charged;
    return true;
}

static void refund(struct node *node)
{
    uint64_t bytes = node->charges == 1 ? node->charged : random_below(node->charged + 1);
    if (node->charges == 0)
        return;
    node->charged -= bytes;
    node->charges--;
    factory_refund(node->factory, bytes);
    model_release(node);
}

static void unname(struct node *node)
{
    if (!node->named || node == &nodes[0])
        return;
    node->named = false;
    factory_destroy(node->factory);
    model_release(node);
}

static bool factories_match(void)
{
    for (int i = 0; i < FACTORIES; i++)
        if (nodes[i].factory &&
            (nodes[i].factory->used != model_used(&nodes[i]) || nodes[i].factory->used > nodes[i].factory->limit ||
             nodes[i].factory->slots_used.threads != model_slots(&nodes[i])))
            return false;
    return true;
}

static bool random_step(void)
{
    struct node *node = &nodes[random_below(FACTORIES)];
    if (!node->factory)
        return true;
    switch (random_below(4)) {
    case 0:
        return try_create(node);
    case 1:
        return try_charge(node);
    case 2:
        refund(node);
        return true;
    default:
        unname(node);
        return true;
    }
}

static void test_factories(void)
{
    uint64_t available = frame_count_free();
    bool good = true;
    nodes[0] = (struct node){factory_create_first(QUOTA), NULL, QUOTA, 0, 0, 0, true};
    nodes[0].factory->slots = (struct hot_slots){2000, 2000};
    for (int round = 0; round < ROUNDS && good; round++)
        good = random_step() && factories_match();
    host_ok(good, "%d random steps on trees of factories equal the model (seed %#lx)", ROUNDS, SEED);
    for (bool more = true; more;) {
        more = false;
        for (int i = FACTORIES - 1; i >= 0; i--)
            for (; nodes[i].factory && (nodes[i].charges > 0 || (nodes[i].named && i > 0)); more = true)
                nodes[i].charges > 0 ? refund(&nodes[i]) : unname(&nodes[i]);
    }
    host_ok(nodes[0].factory->used == 0 && nodes[0].factory->references == 1, "everything is back at the end");
    enum error error;
    host_ok(factory_allocate_frame(nodes[0].factory) && nodes[0].factory->used == PAGE_SIZE, "a frame is charged");
    host_ok(!factory_charge(nodes[0].factory, QUOTA) && !factory_charge(nodes[0].factory, UINT64_MAX) &&
                !factory_create(nodes[0].factory, UINT64_MAX, &(struct hot_slots){0, 0}, &error),
            "sizes beyond the limit are refused");
    host_ok(frame_count_free() + 2 == available, "two frames are in use: the first factory and the charged one");
}

int main(void)
{
    host_machine_start();
    frame_initialise(ranges, sizeof(ranges) / sizeof(ranges[0]));
    host_ok(frame_count_free() == RANGE_FRAMES - 1, "all frames are free but the one for the table of states");
    test_contiguous();
    test_large();
    test_exhaustion();
    host_ok(!frame_allocate_large() && frame_counts_agree(), "those that were broken up are large no more");
    test_bad_frees();
    test_counts();
    test_stock();
    test_zeroed();
    payer = factory_create_first(RANGE_FRAMES * PAGE_SIZE);
    test_sizes();
    test_random_pieces();
    test_slab_without_memory();
    host_ok(payer->used == 0 && payer->references == 1, "nothing stays charged for pieces");
    test_slab_quota();
    host_ok(host_panics(allocate_too_large), "more than the largest piece is the kernel's own mistake");
    test_factories();
    return host_done();
}
