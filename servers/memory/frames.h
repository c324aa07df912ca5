/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of 4 KiB: all memory that the server gives out or keeps its own books in.
 *
 * Frames come in chunks, which are memory objects of the kernel. The server sees all of them, one behind the other. A
 * frame has a number, never 0: its chunk's number, and its place in the chunk. It counts how many objects have it;
 * where that is more than one, nobody may write to it.
 *
 * Invariants. A frame that is handed out is zeroed, but for one that is written over or is not for clients, and nobody
 * has it mapped but the server. At most FRAMES_SPARE chunks have no frame in use.
 */
#ifndef SALTO_MEMORY_FRAMES_H
#define SALTO_MEMORY_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

/* Chunks without a frame in use that are kept, so that memory that comes and goes need not go through the kernel. */
#define FRAMES_SPARE 16

/* Makes room for the books of `chunks` chunks, and forgets all others; false if there is not enough memory. */
bool frames_prepare(uint32_t chunks);

/* A run of frames for an object, zeroed, each with one user: `*count` of them at most, and as many as `*count` says
 * afterwards. Answers the first, or 0 if the machine has none. */
uint32_t frames_take(uint32_t *count);

/* The same; from `frame` on if that is one of a block, and free: what is in order in a block may become a large
 * page. */
uint32_t frames_take_near(uint32_t frame, uint32_t *count);

/* Just as many, for the server's own books: they are not to be mapped for clients. At most CHUNK_PAGES. In the second
 * ones, whatever was in them last still stands. */
uint32_t frames_take_all(uint32_t count);
uint32_t frames_take_all_raw(uint32_t count);

/* The frame that is wanted, so that neighbours can be mapped together; 0 is as good as any. */
struct frame_hint {
    uint32_t frame;
    bool down; /* the next one will be the one below */
};

/* One frame for an object with one user, the one that is wanted if it is free; 0 if the machine has none. The second
 * one is to be written over: whatever was in it last still stands there. */
uint32_t frames_take_one(struct frame_hint hint);
uint32_t frames_take_raw(struct frame_hint hint);

/* Blocks (blocks.c): 512 frames that lie together and aligned to that in physical memory, so that the kernel can map
 * them as one large page. A block's first frame has a number that is a multiple of BLOCK_PAGES. */
#define BLOCK_PAGES 512
#define BLOCK_CHUNKS (BLOCK_PAGES / CHUNK_PAGES)
#define BLOCK_SIZE (BLOCK_PAGES * (uint64_t)PAGE_SIZE)

/* All frames of a block, for an object, zeroed, each with one user; answers the first, 0 if the machine has no such
 * memory. */
uint32_t frames_take_block(void);

/* The first frame of a block that is there and of which no frame is in use; 0 if there is none. It is not taken. */
uint32_t frames_spare_block(void);

/* The frames from `frame`, which is one of a block, to the block's end, as frames_take_block(). False: some are
 * taken. */
bool frames_take_rest(uint32_t frame);

/* Is `first` the first frame of a block? Is `frame` one of a block's? */
bool frames_are_block(uint32_t first);
extern uint32_t blocks_first; /* the chunk of the first one */
static inline bool frames_is_large(uint32_t frame)
{
    return frame >= blocks_first * CHUNK_PAGES;
}

/* As frames_protect() for all frames of a block, of which none is shared; false: nothing was done. What is mapped as a
 * large page stays one. */
bool frames_protect_block(uint32_t first);

/* Are all frames of a block shared (frames_is_shared()), or none of them? */
bool frames_block_is_alike(uint32_t first);

/* One more object has the frame. */
void frames_share(uint32_t frame);

/* How many objects have the frame? */
uint32_t frames_users(uint32_t frame);

/* May nobody write to it, since others have it, or had it, and may have mapped it on? */
bool frames_is_shared(uint32_t frame);

/* A frame that has one user is that one's alone from now on: it is taken out of all address spaces but the server's. */
void frames_own(uint32_t frame);

/*
 * What happened to a frame that an address space has since it is a copy of another one: it was read, so that it had to
 * be mapped by a fault, or written to, so that it had to be copied. The next copy will do the same, as a rule, and gets
 * what was noted at once (regions.c). Each 256th time that a note is asked for it is forgotten: what is not used any
 * more costs nothing in the long run, and what is used is noted again. Frames of blocks have no notes.
 */
enum frame_note { FRAME_READ, FRAME_WRITTEN };
void frames_note(uint32_t frame, enum frame_note note);

/* How many frames of a chunk, `count` at most, side by side from `first` on are noted; 0: that one is not. */
uint32_t frames_noted(uint32_t first, uint32_t count, enum frame_note note);

/* Is any of them noted as written to? */
bool frames_any_written(uint32_t first, uint32_t count);

/* Frames of a chunk were mapped to be executed. */
void frames_executed(uint32_t first, uint32_t count);

/* Frames of a chunk are to be shared: whoever may write to them may only read them from now on. */
void frames_protect(uint32_t first, uint32_t count);

/* One user less of `count` frames of a chunk, from `first` on. After the last, a frame is to be free: by the end of the
 * operation, when frames_settle() is called, it is out of all address spaces but the server's. */
void frames_release(uint32_t first, uint32_t count);

/* Frees what was released. To be called before an operation is answered. */
extern uint32_t frames_leaving; /* a chunk with released frames that are to be recalled, 0: there is none */
void frames_recall(void);
static inline void frames_settle(void)
{
    if (frames_leaving != 0)
        frames_recall();
}

/* Gives chunks of which no frame is in use back to the kernel; false if there is none. */
bool frames_give_spare(void);

/* The frame's bytes, in the server's own address space. */
static inline void *frames_bytes(uint32_t frame)
{
    return machine_window() + (uint64_t)frame * PAGE_SIZE;
}

/* The frame that begins at `bytes` of the server's own address space. */
static inline uint32_t frames_number(const void *bytes)
{
    return (uint32_t)((uint64_t)((const uint8_t *)bytes - machine_window()) / PAGE_SIZE);
}

/* Frames in use, and chunks that there are. */
uint32_t frames_used(void);
uint32_t frames_chunks(void);

/* The kernel's object that the frame is a page of, and which page; and the page's number in the chunk. */
uint32_t frames_chunk(uint32_t frame);
uint32_t frames_object_page(uint32_t frame);
static inline uint32_t frames_page(uint32_t frame)
{
    return frame % CHUNK_PAGES;
}

#endif
