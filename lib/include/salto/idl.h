/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What generated headers share: the error convention of stubs, and the handling of capabilities in messages.
 *
 * A stub returns 0 for success; a positive number for an error that the interface declares; a negative one, -ERROR_*
 * of abi/errors.h, where the transport failed or the server's dispatcher refused the request.
 */
#ifndef SALTO_IDL_H
#define SALTO_IDL_H

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/errors.h"
#include "abi/message.h"
#include "salto/ipc.h"
#include "salto/route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define IDL_MUST_USE [[nodiscard]]
#else
#define IDL_MUST_USE __attribute__((warn_unused_result))
#endif

#define IDL_MAX_HANDLE (MAX_CAPABILITIES - 1)

/*
 * The number of the parameter for which a server refused this thread's last request that failed, from 1 on: inputs
 * first, then outputs, of which the capacity was wrong. 0 if it was for something else. NAME_parameter_name() of the
 * interface's header says what it is called. It is kept in a word of the UTCB that no message uses.
 */
static inline uint32_t idl_refused_parameter(void)
{
    return (uint32_t)ipc_utcb()->words[0];
}

/* What a stub returns for a reply that is not the one of success, never 0: `tag` is what the system call returned, and
 * `word` the answer's first word. */
static __attribute__((noinline, cold, unused)) int idl_failure_number(uint64_t tag, uint64_t word)
{
    int label = (int)message_label(tag);

    ipc_utcb()->words[0] = label < 0 && (uint32_t)tag == TAG_PLAIN_REPLY + 1 ? word : 0;
    if (!message_is_tag(tag))
        return tag == 0 || tag >= ERROR_LAST ? -ERROR_BAD_TAG : -(int)tag;
    return label != 0 ? label : -ERROR_BAD_TAG;
}

/* The same, for stubs: a compiler that sees that a failure is not 0 knows that outputs of a success are written. */
static inline int idl_failure(uint64_t tag, uint64_t word)
{
    int number = idl_failure_number(tag, word);

    if (number == 0)
        __builtin_unreachable();
    return number;
}

/* What a oneway stub returns. */
static inline int idl_sent(uint64_t tag, uint64_t word)
{
    return tag == 0 || message_is_tag(tag) ? 0 : idl_failure(tag, word);
}

/* A typed item. The handle must not be above IDL_MAX_HANDLE: its upper bits would become rights. */
static inline uint64_t idl_item(uint32_t handle, uint32_t rights, uint32_t kind)
{
    return handle | rights << ITEM_RIGHTS_SHIFT | kind << ITEM_KIND_SHIFT;
}

/* Can the handle go as an item? That of a route becomes that of the capability behind it. What is moved away must not
 * be a route's, since the route would be left with nothing behind it. */
static inline bool idl_is_item(uint32_t *handle)
{
    if (__builtin_expect(*handle <= IDL_MAX_HANDLE, 1))
        return true;
    *handle = salto_capability(*handle);
    return *handle - 1 < IDL_MAX_HANDLE;
}

/* The item of a string of `length` bytes: at most 32 bits of them. */
static inline uint64_t idl_string_item(uint64_t length)
{
    return (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT | length << ITEM_LENGTH_SHIFT;
}

/* Is the item that came in a capability that found a slot? */
static inline bool idl_is_handle(uint64_t item)
{
    return item - 1 < IDL_MAX_HANDLE;
}

/* The length of the string item that came in; more than 32 bits if it is none. */
static inline uint64_t idl_string_length(uint64_t item)
{
    item -= (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
    return item << 32 | item >> 32;
}

/* Memory that is passed on: `size` bytes, a power of two from PAGE_SIZE on, at an address that is a multiple of it. */
struct idl_pages {
    void *address;
    size_t size;
};

static inline bool idl_is_flexpage(struct idl_pages pages)
{
    return pages.size >= PAGE_SIZE && (pages.size & (pages.size - 1)) == 0 &&
           ((uint64_t)(uintptr_t)pages.address & (pages.size - 1)) == 0;
}

/* The item of a flexpage. */
static inline uint64_t idl_pages_item(struct idl_pages pages, uint64_t rights, uint64_t kind)
{
    return (uint64_t)__builtin_ctzl(pages.size) << ITEM_SIZE_SHIFT | kind << ITEM_KIND_SHIFT |
           rights << ITEM_RIGHTS_SHIFT;
}

/* Are the item that came in pages, with at least these rights? */
static inline bool idl_are_pages(uint64_t item, uint64_t rights)
{
    uint64_t kind = (uint32_t)item >> ITEM_KIND_SHIFT;

    return (kind == ITEM_MAP || kind == ITEM_GRANT) && (item >> ITEM_RIGHTS_SHIFT & rights) == rights;
}

/* Where the pages of item `i` are now. */
static inline struct idl_pages idl_arrived_pages(const struct utcb *utcb, uint32_t i)
{
    struct idl_pages pages = {(void *)(uintptr_t)utcb->item_addresses[i],
                              (size_t)1 << (utcb->items[i] >> ITEM_SIZE_SHIFT & ITEM_SIZE_MASK)};

    return pages;
}

/* Pages are taken in `window` from now on, which is a flexpage in shape and mapped nowhere. */
static inline void idl_set_window(struct utcb *utcb, struct idl_pages window)
{
    utcb->window_address = (uint64_t)(uintptr_t)window.address;
    utcb->window_log2 = (uint64_t)__builtin_ctzl(window.size);
}

/* The handle of the program's own task, with write and execute right: idl_release() needs it. Set before main() to what
 * was granted under the name "task" (lib/startup.c); 0 where there is none, and then capabilities that are released
 * stay in the program's table, and no memory can be lent. */
extern uint32_t salto_own_task;

/* Unmaps what was mapped on from these pages, by whomever: lent memory comes back so (lib/server.c). */
void idl_take_back(struct idl_pages pages);

/* Unmaps pages; does nothing if their size is 0 (lib/server.c). Pages that came out of a stub are given back so. */
void idl_release_pages(struct idl_pages pages);

/* Deletes a capability of this program's own table; does nothing for handle 0 (lib/server.c). */
void idl_release(uint32_t handle);

/* Gives back what came with the first `count` items of a message, whatever they are (lib/server.c). */
void idl_release_items(const struct utcb *utcb, uint32_t count);

/* What refuses a message whose items are not those of its operation: a capability found no slot, or else something is
 * of another kind or too long. */
static inline int idl_items_error(const struct utcb *utcb, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (utcb->items[i] == 0)
            return ERROR_NO_SLOT;
    return ERROR_BAD_ARGUMENT;
}

/* What a stub returns for an answer with such items, which it gives back. */
static __attribute__((noinline, cold, unused)) int idl_bad_items(const struct utcb *utcb, uint32_t count)
{
    int error = idl_items_error(utcb, count);

    idl_release_items(utcb, count);
    return -error;
}

/* Floats travel as their bits. A program that is compiled without them has no stubs that take them. */
#ifdef __SSE2__
static inline uint64_t idl_f32_word(float value)
{
    uint32_t bits;

    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline uint64_t idl_f64_word(double value)
{
    uint64_t bits;

    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline float idl_f32(uint64_t word)
{
    uint32_t bits = (uint32_t)word;
    float value;

    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double idl_f64(uint64_t word)
{
    double value;

    __builtin_memcpy(&value, &word, sizeof(value));
    return value;
}
#endif

/* Text that goes into a stub: `size` bytes of UTF-8 without U+0000. To a handler it comes with a zero byte behind
 * it. */
typedef struct {
    const char *text;
    size_t size;
} idl_string;

static inline idl_string idl_text(const char *text)
{
    idl_string string = {text, __builtin_strlen(text)};

    return string;
}

/* Is it UTF-8, in shortest form, without surrogates and U+0000? (lib/text.c; the Unicode standard, table 3-7) */
bool idl_is_text(const char *text, size_t size);

/* How much of `capacity` bytes a parameter of at most `most` can use. */
static inline uint64_t idl_room(size_t capacity, uint64_t most)
{
    return capacity < most ? capacity : most;
}

/* memcpy() that takes a null pointer where there is nothing to copy. */
static inline void idl_copy(void *to, const void *from, size_t size)
{
    if (size)
        __builtin_memcpy(to, from, size);
}

#endif
