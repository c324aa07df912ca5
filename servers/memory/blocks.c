/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks: 512 frames that lie together in physical memory, aligned to 2 MiB, so that the kernel can map them as one
 * large page. See chunks.h.
 *
 * A block is eight chunks, in the books of which its frames stand one by one: so a part of it can be given back,
 * shared, or copied from as any frames can. What is free of a block that is partly in use serves single pages when
 * there is no other memory. Invariant: at most BLOCKS_SPARE blocks have no frame in use, and they stand in `spare`.
 */
#include <assert.h>

#include "abi/capability.h"
#include "chunks.h"

#define BLOCKS_SPARE 2 /* so that memory that comes and goes need not go through the kernel */

static uint32_t unmade;              /* first chunk of the first number without a block, 0 for none */
static uint32_t spare[BLOCKS_SPARE]; /* first chunks of blocks */
static uint32_t spare_count, made_count;

void blocks_prepare(uint32_t count)
{
    unmade = spare_count = made_count = 0;
    chunks[BLOCKS_HEAD].next = chunks[BLOCKS_HEAD].previous = BLOCKS_HEAD;
    while (count-- > 0) {
        uint32_t number = blocks_first + count * BLOCK_CHUNKS;
        chunks[number].next = unmade;
        unmade = number;
    }
}

uint32_t blocks_made(void)
{
    return made_count;
}

/* The first chunk of the block that a chunk is a part of. */
static uint32_t block_of(uint32_t number)
{
    return number / BLOCK_CHUNKS * BLOCK_CHUNKS;
}

static void remove_spare(uint32_t block)
{
    uint32_t i = 0;
    while (spare[i] != block)
        i++;
    spare[i] = spare[--spare_count];
}

void blocks_begin_chunk(uint32_t number)
{
    uint32_t block = block_of(number);
    if (chunks[block].whole-- == BLOCK_CHUNKS)
        remove_spare(block);
}

static void free_block(uint32_t block)
{
    uint32_t handle = chunks[block].handle;
    for (uint32_t number = block; number < block + BLOCK_CHUNKS; number++) {
        chunk_list_remove(number);
        chunks[number].handle = 0;
        chunks[number].free = 0;
    }
    machine_free_block(block, handle);
    chunks[block].next = unmade;
    unmade = block;
    made_count--;
}

void blocks_end_chunk(uint32_t number)
{
    uint32_t block = block_of(number);
    if (++chunks[block].whole < BLOCK_CHUNKS)
        return;
    if (spare_count == BLOCKS_SPARE)
        return free_block(block);
    spare[spare_count++] = block;
}

/* Makes one more block, without a frame in use; answers its first chunk, 0: there is no such memory. */
static uint32_t make_block(void)
{
    uint32_t block = unmade, handle = block ? machine_make_block(block) : 0;
    if (handle == 0 && block && frames_give_spare())
        handle = machine_make_block(block);
    if (handle == 0)
        return 0;
    unmade = chunks[block].next;
    for (uint32_t number = block; number < block + BLOCK_CHUNKS; number++) {
        chunks[number].handle = handle;
        chunks[number].free = ALL_FREE;
        chunks[number].used_before = chunks[number].was_shared = 0;
        chunks[number].reached = chunks[number].executed = 0;
        chunks[number].read = chunks[number].written = 0;
        chunk_list_add_first(number);
    }
    chunks[block].whole = BLOCK_CHUNKS;
    made_count++;
    return block;
}

/* A block without a frame in use, 0 if there is none; a new one if need be. */
static uint32_t find_block(void)
{
    if (spare_count > 0)
        return spare[spare_count - 1];
    uint32_t block = make_block();
    if (block)
        spare[spare_count++] = block; /* which was empty */
    return block;
}

uint32_t frames_spare_block(void)
{
    return spare_count ? spare[spare_count - 1] * CHUNK_PAGES : 0;
}

uint32_t frames_take_block(void)
{
    uint32_t block = find_block();
    return block && frames_take_rest(block * CHUNK_PAGES) ? block * CHUNK_PAGES : 0;
}

bool frames_take_rest(uint32_t frame)
{
    uint32_t number = frame / CHUNK_PAGES, place = frame % CHUNK_PAGES, end = block_of(number) + BLOCK_CHUNKS;
    for (uint32_t other = number + 1; other < end; other++)
        if (chunks[other].free != ALL_FREE)
            return false;
    if (~chunks[number].free >> place)
        return false;
    for (; number < end; number++, place = 0)
        chunk_take_run(number, place, CHUNK_PAGES - place);
    return true;
}

bool frames_are_block(uint32_t first)
{
    return first % BLOCK_PAGES == 0 && chunk_is_large(first / CHUNK_PAGES);
}

uint32_t frames_object_page(uint32_t frame)
{
    return frame % (frames_is_large(frame) ? BLOCK_PAGES : CHUNK_PAGES);
}

void blocks_recall_whole(uint32_t number, uint64_t leaving)
{
    uint32_t block = block_of(number);
    for (uint32_t other = block; other < block + BLOCK_CHUNKS; other++)
        if ((other == number ? leaving : chunks[other].leaving) != ALL_FREE)
            return;
    machine_recall(block * CHUNK_PAGES, BLOCK_PAGES, RIGHT_READ, false);
    for (uint32_t other = block; other < block + BLOCK_CHUNKS; other++)
        chunks[other].reached = 0;
}

bool frames_block_is_alike(uint32_t first)
{
    uint64_t shared = chunks[first / CHUNK_PAGES].was_shared;
    for (uint32_t i = 0; i < BLOCK_CHUNKS; i++)
        if (chunks[first / CHUNK_PAGES + i].was_shared != shared)
            return false;
    return shared == 0 || shared == ALL_FREE;
}

bool frames_protect_block(uint32_t first)
{
    if (frames_is_shared(first) || !frames_block_is_alike(first))
        return false;
    machine_recall(first, BLOCK_PAGES, RIGHT_WRITE, false);
    return true;
}
