/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames and their chunks. See frames.h.
 *
 * Chunks with free frames stand in a circular list, whose head is the entry of chunk 0, which is never made; those of
 * which no frame is in use are the last. Those of blocks (blocks.c) have a list of their own, and single frames are
 * taken from it only where nothing else is left. A frame that was used is zeroed when it is handed out again, not
 * before: who frees memory should not wait for that.
 *
 * Frames that clients had are recalled before they are free: all that an operation gives up together, since each run of
 * them is a call of the kernel.
 */
#include "frames.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "chunks.h"

#define NOTE_ASKED 256 /* times: then a note is forgotten */
#define CHUNKS_TRIED 8 /* for a run, before a new chunk is made */

struct chunk *chunks;
uint32_t blocks_first;
static uint32_t unmade;     /* the first number without a chunk, 0 for none */
static uint32_t chunks_end; /* behind the last number */
static uint32_t made_count, used_count;
static uint32_t spare_count; /* chunks of which no frame is in use */
uint32_t frames_leaving;

bool frames_prepare(uint32_t count)
{
    uint32_t blocks = count / BLOCK_CHUNKS;
    blocks_first = (count + 1 + BLOCK_CHUNKS) / BLOCK_CHUNKS * BLOCK_CHUNKS;
    free(chunks);
    chunks = calloc((size_t)blocks_first + blocks * BLOCK_CHUNKS, sizeof(*chunks));
    unmade = spare_count = made_count = used_count = frames_leaving = 0;
    chunks_end = blocks_first + blocks * BLOCK_CHUNKS;
    for (uint32_t number = count; chunks && number > 0; number--) {
        chunks[number].next = unmade;
        unmade = number;
    }
    if (chunks)
        blocks_prepare(blocks);
    return chunks != NULL;
}

uint32_t frames_used(void)
{
    return used_count;
}

uint32_t frames_chunks(void)
{
    return made_count + blocks_made() * BLOCK_CHUNKS;
}

uint32_t frames_chunk(uint32_t frame)
{
    return chunks[frame / CHUNK_PAGES].handle;
}

/* ---- The list of chunks with free frames ------------------------------------------------------------------------- */

/* The entry that is the head of the list for this chunk. */
static inline uint32_t list_head(uint32_t number)
{
    return chunk_is_large(number) ? BLOCKS_HEAD : 0;
}

void chunk_list_remove(uint32_t number)
{
    struct chunk *chunk = &chunks[number];
    chunks[chunk->previous].next = chunk->next;
    chunks[chunk->next].previous = chunk->previous;
}

void chunk_list_add_first(uint32_t number)
{
    uint32_t head = list_head(number);
    struct chunk *chunk = &chunks[number];
    chunk->next = chunks[head].next;
    chunk->previous = head;
    chunks[chunk->next].previous = number;
    chunks[head].next = number;
}

static void list_add_last(uint32_t number)
{
    struct chunk *chunk = &chunks[number];
    chunk->previous = chunks[0].previous;
    chunk->next = 0;
    chunks[chunk->previous].next = number;
    chunks[0].previous = number;
}

/* A chunk of which no frame is in use, 0 if there is none. */
static uint32_t find_spare(void)
{
    return spare_count ? chunks[0].previous : 0;
}

/* Makes one more chunk; answers its number, or 0. */
static uint32_t make_chunk(void)
{
    uint32_t number = unmade;
    if (number == 0)
        return 0;
    struct chunk *chunk = &chunks[number];
    uint32_t handle = machine_make_chunk(number);
    if (handle == 0)
        return 0;
    unmade = chunk->next;
    chunk->handle = handle;
    chunk->free = ALL_FREE;
    chunk->used_before = chunk->was_shared = chunk->reached = chunk->executed = 0;
    chunk->read = chunk->written = 0;
    list_add_last(number);
    made_count++;
    spare_count++;
    return number;
}

static void free_chunk(uint32_t number)
{
    struct chunk *chunk = &chunks[number];
    machine_free_chunk(number, chunk->handle);
    chunk->handle = 0;
    chunk->free = 0;
    chunk->next = unmade;
    unmade = number;
    made_count--;
}

bool frames_give_spare(void)
{
    bool any = spare_count > 0;
    for (; spare_count > 0; spare_count--) {
        uint32_t number = find_spare();
        chunk_list_remove(number);
        free_chunk(number);
    }
    return any;
}

/* ---- Taking ------------------------------------------------------------------------------------------------------ */

/* Bits `first` to `first + count - 1`. */
static uint64_t run_mask(uint32_t first, uint32_t count)
{
    return (count == 64 ? UINT64_MAX : (1UL << count) - 1) << first;
}

/* Where `count` free frames lie side by side; CHUNK_PAGES if nowhere. */
static uint32_t find_run(uint64_t free, uint32_t count)
{
    for (uint32_t i = 1; i < count && free; i++)
        free &= free >> 1; /* bits stay where a run of i + 1 begins */
    return free ? (uint32_t)__builtin_ctzl(free) : CHUNK_PAGES;
}

/* Two registers' worth at a time: half as many instructions as words are, and no processor is slower that way. */
typedef uint64_t two_words __attribute__((vector_size(16)));

static inline void zero_sixteen(volatile two_words *place)
{
    const two_words zero = {0};
    place[0] = zero, place[1] = zero, place[2] = zero, place[3] = zero;
    place[4] = zero, place[5] = zero, place[6] = zero, place[7] = zero;
    place[8] = zero, place[9] = zero, place[10] = zero, place[11] = zero;
    place[12] = zero, place[13] = zero, place[14] = zero, place[15] = zero;
}

static void zero_frame(uint32_t frame)
{
    volatile two_words *place = frames_bytes(frame), *end = place + PAGE_SIZE / sizeof(*place);
    for (; place < end; place += 64) {
        zero_sixteen(place);
        zero_sixteen(place + 16);
        zero_sixteen(place + 32);
        zero_sixteen(place + 48);
    }
}

/* Zeroes frames from `first` on, one for each bit that is set. */
static void zero_frames(uint32_t first, uint64_t used_before)
{
    for (; used_before; used_before &= used_before - 1)
        zero_frame(first + (uint32_t)__builtin_ctzl(used_before));
}

/* The first frame of a chunk is taken. */
static __attribute__((noinline)) void begin_chunk(uint32_t number)
{
    if (chunk_is_large(number))
        return blocks_begin_chunk(number);
    spare_count--;
    chunk_list_remove(number);
    chunk_list_add_first(number);
}

/* Takes frames of a chunk that are free; answers the first one's number. What stands in them is left there. */
static uint32_t take_run_raw(uint32_t number, uint32_t place, uint32_t count)
{
    struct chunk *chunk = &chunks[number];
    uint64_t mask = run_mask(place, count);
    assert((chunk->free & mask) == mask);
    if (chunk->free == ALL_FREE)
        begin_chunk(number);
    chunk->free &= ~mask;
    chunk->used_before |= mask;
    for (uint32_t i = place; i < place + count; i++)
        chunk->users[i] = 1;
    if (chunk->free == 0)
        chunk_list_remove(number);
    used_count += count;
    return number * CHUNK_PAGES + place;
}

static uint32_t take_run(uint32_t number, uint32_t place, uint32_t count, bool zeroed)
{
    uint64_t used_before = chunks[number].used_before & run_mask(place, count);
    uint32_t first = take_run_raw(number, place, count);
    if (zeroed)
        zero_frames(number * CHUNK_PAGES, used_before);
    return first;
}

uint32_t chunk_take_run(uint32_t number, uint32_t place, uint32_t count)
{
    uint32_t first = take_run(number, place, count, true);
    chunks[number].reached |= run_mask(place, count);
    return first;
}

/* How many free frames lie side by side from the first one on, `most` at most. */
static uint32_t first_run(uint64_t free, uint32_t *place, uint32_t most)
{
    *place = (uint32_t)__builtin_ctzl(free);
    uint64_t behind = ~(free >> *place);
    uint32_t length = behind ? (uint32_t)__builtin_ctzl(behind) : CHUNK_PAGES;
    return length < most ? length : most;
}

/* A run in one of the first chunks of a list; 0 if there is none. */
static uint32_t take_listed(uint32_t head, uint32_t tries, uint32_t count, bool zeroed)
{
    uint32_t number = chunks[head].next;
    for (uint32_t i = 0; i < tries && number != head; i++, number = chunks[number].next) {
        uint32_t place = find_run(chunks[number].free, count);
        if (place != CHUNK_PAGES)
            return take_run(number, place, count, zeroed);
    }
    return 0;
}

/* A run in one of the first chunks, or in one that is not used; 0 if there is none. */
static uint32_t take_whole(uint32_t count, bool zeroed)
{
    uint32_t first = take_listed(0, CHUNKS_TRIED, count, zeroed), number = first ? 0 : find_spare();
    return number ? take_run(number, 0, count, zeroed) : first;
}

/* Is there memory that could not be had before? */
static bool find_more(void)
{
    if (frames_leaving == 0)
        return make_chunk();
    frames_recall();
    return true;
}

static uint32_t take_all(uint32_t count, bool zeroed)
{
    assert(count > 0 && count <= CHUNK_PAGES);
    uint32_t first = take_whole(count, zeroed);
    while (!first && find_more())
        first = take_whole(count, zeroed);
    return first ? first : take_listed(BLOCKS_HEAD, UINT32_MAX, count, zeroed);
}

uint32_t frames_take_all(uint32_t count)
{
    return take_all(count, true);
}

uint32_t frames_take_all_raw(uint32_t count)
{
    return take_all(count, false);
}

/* Takes a frame that is free out of the books. */
static inline void take_one(uint32_t number, uint64_t bit, uint32_t place)
{
    struct chunk *chunk = &chunks[number];
    if (chunk->free == ALL_FREE)
        begin_chunk(number);
    chunk->free &= ~bit;
    chunk->used_before |= bit;
    chunk->reached |= bit;
    chunk->users[place] = 1;
    if (chunk->free == 0)
        chunk_list_remove(number);
    used_count++;
}

/* The first chunk with free frames that is part of a block, 0 if there is none. */
static uint32_t first_of_blocks(void)
{
    uint32_t number = chunks[BLOCKS_HEAD].next;
    return number == BLOCKS_HEAD ? 0 : number;
}

/* A free frame, with others above or below it, as a rule, and of no block if it can be had; 0 if there is none. */
static __attribute__((noinline)) uint32_t find_free(bool down)
{
    while (chunks[0].next == 0 && find_more())
        ;
    uint32_t number = chunks[0].next;
    if (number == 0 && (number = first_of_blocks()) == 0)
        return 0;
    uint64_t free = chunks[number].free;
    return number * CHUNK_PAGES + (uint32_t)(down ? CHUNK_PAGES - 1 - __builtin_clzl(free) : __builtin_ctzl(free));
}

/* A frame as frames_take_one() does, zeroed if `zeroed`. */
static inline __attribute__((always_inline)) uint32_t take_near(struct frame_hint hint, bool zeroed)
{
    uint32_t frame = hint.frame, number = frame / CHUNK_PAGES;
    if (number >= chunks_end || !(chunks[number].free >> frame % CHUNK_PAGES & 1)) {
        frame = find_free(hint.down);
        if (frame == 0)
            return 0;
        number = frame / CHUNK_PAGES;
    }
    uint64_t bit = 1UL << frame % CHUNK_PAGES;
    bool used_before = chunks[number].used_before & bit;
    take_one(number, bit, frame % CHUNK_PAGES);
    if (zeroed && used_before)
        zero_frame(frame);
    return frame;
}

uint32_t frames_take_one(struct frame_hint hint)
{
    return take_near(hint, true);
}

uint32_t frames_take_raw(struct frame_hint hint)
{
    return take_near(hint, false);
}

uint32_t frames_take(uint32_t *count)
{
    assert(*count > 0);
    if (*count > CHUNK_PAGES)
        *count = CHUNK_PAGES;
    uint32_t first = frames_take_all(*count), number = chunks[0].next, place;
    if (!first && (number != 0 || (number = first_of_blocks()) != 0)) {
        *count = first_run(chunks[number].free, &place, *count);
        first = take_run(number, place, *count, true);
    }
    if (first)
        chunks[first / CHUNK_PAGES].reached |= run_mask(first % CHUNK_PAGES, *count);
    return first;
}

uint32_t frames_take_near(uint32_t frame, uint32_t *count)
{
    uint32_t number = frame / CHUNK_PAGES, place = frame % CHUNK_PAGES;
    if (!chunk_is_large(number) || number >= chunks_end || !(chunks[number].free >> place & 1))
        return frames_take(count);
    uint64_t behind = ~(chunks[number].free >> place);
    uint32_t length = behind ? (uint32_t)__builtin_ctzl(behind) : CHUNK_PAGES;
    if (*count > length)
        *count = length;
    return chunk_take_run(number, place, *count);
}

/* ---- Users ------------------------------------------------------------------------------------------------------- */

void frames_share(uint32_t frame)
{
    uint32_t *users = &chunks[frame / CHUNK_PAGES].users[frame % CHUNK_PAGES];
    assert(*users > 0 && *users < UINT32_MAX); /* each user is charged for it, and no quota is that large */
    ++*users;
    chunks[frame / CHUNK_PAGES].was_shared |= 1UL << (frame % CHUNK_PAGES);
}

uint32_t frames_users(uint32_t frame)
{
    return chunks[frame / CHUNK_PAGES].users[frame % CHUNK_PAGES];
}

bool frames_is_shared(uint32_t frame)
{
    return chunks[frame / CHUNK_PAGES].was_shared >> (frame % CHUNK_PAGES) & 1;
}

void frames_executed(uint32_t first, uint32_t count)
{
    chunks[first / CHUNK_PAGES].executed |= run_mask(first % CHUNK_PAGES, count);
}

/* ---- Notes ------------------------------------------------------------------------------------------------------- */

static inline uint64_t *notes(uint32_t number, enum frame_note note)
{
    return note == FRAME_READ ? &chunks[number].read : &chunks[number].written;
}

void frames_note(uint32_t frame, enum frame_note note)
{
    if (!frames_is_large(frame))
        *notes(frame / CHUNK_PAGES, note) |= 1UL << (frame % CHUNK_PAGES);
}

uint32_t frames_noted(uint32_t first, uint32_t count, enum frame_note note)
{
    static uint32_t asked;
    uint64_t *noted = notes(first / CHUNK_PAGES, note), behind = ~(*noted >> first % CHUNK_PAGES);
    uint32_t length = behind ? (uint32_t)__builtin_ctzl(behind) : CHUNK_PAGES;
    if (length > 0 && ++asked % NOTE_ASKED == 0) {
        *noted &= ~(1UL << (first % CHUNK_PAGES));
        return 0;
    }
    return length < count ? length : count;
}

bool frames_any_written(uint32_t first, uint32_t count)
{
    return chunks[first / CHUNK_PAGES].written & run_mask(first % CHUNK_PAGES, count);
}

/* ---- Recalling --------------------------------------------------------------------------------------------------- */

/* Takes rights to frames of a chunk whose bits are set from all who have them by way of one of the server's windows. */
static void recall_runs(uint32_t number, uint64_t frames, uint32_t take, bool executed)
{
    while (frames) {
        uint32_t place = (uint32_t)__builtin_ctzl(frames);
        uint64_t behind = ~(frames >> place);
        uint32_t count = behind ? (uint32_t)__builtin_ctzl(behind) : CHUNK_PAGES;
        machine_recall(number * CHUNK_PAGES + place, count, take, executed);
        frames &= ~run_mask(place, count);
    }
}

/* Takes frames of a chunk whose bits are set from all who have them. */
static void recall_frames(uint32_t number, uint64_t frames)
{
    struct chunk *chunk = &chunks[number];
    recall_runs(number, frames & chunk->reached, RIGHT_READ, false);
    recall_runs(number, frames & chunk->executed, RIGHT_READ, true);
    chunk->executed &= ~frames;
}

void frames_own(uint32_t frame)
{
    uint64_t bit = 1UL << (frame % CHUNK_PAGES);
    assert(frames_users(frame) == 1);
    recall_frames(frame / CHUNK_PAGES, bit);
    chunks[frame / CHUNK_PAGES].was_shared &= ~bit;
}

/* What others have already was not written to since, and what is executed is not written to. */
void frames_protect(uint32_t first, uint32_t count)
{
    uint64_t written = run_mask(first % CHUNK_PAGES, count) & ~chunks[first / CHUNK_PAGES].was_shared;
    recall_runs(first / CHUNK_PAGES, written, RIGHT_WRITE, false);
}

/* Frames of a chunk whose bits are set in `freed`, which nobody has any more, are free. */
static void free_frames(uint32_t number, uint64_t freed)
{
    struct chunk *chunk = &chunks[number];
    chunk->reached &= ~freed;
    if (chunk->free == 0)
        chunk_list_add_first(number);
    chunk->was_shared &= ~freed;
    chunk->read &= ~freed;
    chunk->written &= ~freed;
    chunk->free |= freed;
    if (chunk->free != ALL_FREE)
        return;
    if (chunk_is_large(number))
        return blocks_end_chunk(number);
    chunk_list_remove(number);
    if (spare_count == FRAMES_SPARE)
        return free_chunk(number);
    spare_count++;
    list_add_last(number);
}

void frames_recall(void)
{
    while (frames_leaving != 0) {
        uint32_t number = frames_leaving;
        uint64_t freed = chunks[number].leaving;
        frames_leaving = chunks[number].next_leaving;
        chunks[number].leaving = 0;
        if (chunk_is_large(number))
            blocks_recall_whole(number, freed);
        recall_frames(number, freed);
        free_frames(number, freed);
    }
}

/* Frames of a chunk whose bits are set have no user any more. */
static void leave(uint32_t number, uint64_t frames)
{
    struct chunk *chunk = &chunks[number];
    if (chunk->leaving == 0) {
        chunk->next_leaving = frames_leaving;
        frames_leaving = number;
    }
    chunk->leaving |= frames;
}

void frames_release(uint32_t first, uint32_t count)
{
    uint32_t number = first / CHUNK_PAGES, place = first % CHUNK_PAGES, *users = chunks[number].users;
    uint64_t unused = 0;
    assert(count > 0 && place + count <= CHUNK_PAGES);
    for (uint32_t i = place; i < place + count; i++) {
        assert(users[i] > 0);
        if (--users[i] > 0)
            continue;
        unused |= 1UL << i;
        used_count--;
    }
    if (unused & chunks[number].reached)
        leave(number, unused);
    else if (unused)
        free_frames(number, unused);
}
