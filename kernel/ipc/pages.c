/* SPDX-License-Identifier: BSD-2-Clause */
/* Page items. See pages.h. */
#include "ipc/pages.h"

#include "abi/capability.h"
#include "mem/extend.h"
#include "mem/mapping.h"
#include "mem/memory.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define LARGEST_LOG2 46 /* half of the user half */
#define FEW_PAGES 16
#define LARGE_LOG2 21                /* a large page, ... */
#define FEW_LARGE_LOG2 24            /* ... and eight of them */
#define MOST_RECORDS (FEW_PAGES + 1) /* of few pages, where an item is for each and the last one fails */

/* Bits that an item of pages may have. */
#define ITEM_RIGHTS ((uint64_t)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) << ITEM_RIGHTS_SHIFT)
#define ITEM_BITS                                                                           \
    (ITEM_RIGHTS | 0xfUL << ITEM_KIND_SHIFT | (uint64_t)ITEM_SIZE_MASK << ITEM_SIZE_SHIFT | \
     (uint64_t)ITEM_CACHE_MASK << ITEM_CACHE_SHIFT)

/* Of a flexpage that is mapped, cached as the sender has it: all of the item but its rights. */
#define PLAIN_ITEM(log2) ((uint64_t)ITEM_MAP << ITEM_KIND_SHIFT | (uint64_t)(log2) << ITEM_SIZE_SHIFT)

/* ---- What an item says ------------------------------------------------------------------------------------------- */

static uint32_t log2_of(uint64_t item)
{
    return (uint32_t)(item >> ITEM_SIZE_SHIFT) & ITEM_SIZE_MASK;
}

static uint64_t size_of(uint64_t item)
{
    return 1UL << log2_of(item);
}

static uint32_t rights_of(uint64_t item)
{
    return (uint32_t)(item >> ITEM_RIGHTS_SHIFT) & RIGHTS_ALL;
}

static uint32_t cache_of(uint64_t item)
{
    return (uint32_t)(item >> ITEM_CACHE_SHIFT) & ITEM_CACHE_MASK;
}

static bool is_grant(uint64_t item)
{
    return (item >> ITEM_KIND_SHIFT & 0xf) == ITEM_GRANT;
}

bool pages_any(const struct utcb *sender, uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        if (pages_is_item(sender->items[i]))
            return true;
    return false;
}

static bool is_good(uint64_t item)
{
    uint32_t both = RIGHT_WRITE | RIGHT_EXECUTE;
    return !(item & ~ITEM_BITS) && log2_of(item) >= PAGE_SHIFT && log2_of(item) <= LARGEST_LOG2 &&
           (rights_of(item) & both) != both && cache_of(item) <= PAGE_UNCACHED;
}

/* Where in the window the flexpage lands, or 0: nowhere. */
static inline uint64_t target_of(const struct page_item *page, struct page_window window)
{
    if (window.log2 < log2_of(page->item) || window.log2 > LARGEST_LOG2)
        return 0;
    uint64_t within = (1UL << window.log2) - 1, target = window.address + (page->source & within);
    if ((window.address & within) || !space_mappable(target, size_of(page->item) / PAGE_SIZE))
        return 0;
    return target;
}

static inline enum error read_item(struct page_item *page, struct page_window window)
{
    if (!is_good(page->item))
        return ERROR_BAD_ARGUMENT;
    if (page->source % size_of(page->item)) /* whether it is mapped is seen later */
        return ERROR_BAD_ADDRESS;
    page->target = target_of(page, window);
    return page->target ? ERROR_NONE : ERROR_NO_WINDOW;
}

enum error pages_read(struct pages *pages, const struct utcb *sender, uint32_t items, struct page_window window)
{
    pages->count = pages->mapped = 0;
    pages->reached = 0;
    pages->failure = ERROR_NONE;
    for (uint32_t i = 0; i < items; i++) {
        struct page_item *page = &pages->of[pages->count];
        if (!pages_is_item(sender->items[i]))
            continue;
        *page = (struct page_item){sender->items[i], sender->item_addresses[i], 0, i};
        enum error error = read_item(page, window);
        if (error != ERROR_NONE)
            return error;
        pages->count++;
    }
    return ERROR_NONE;
}

/* ---- How much it is ---------------------------------------------------------------------------------------------- */

/* The mapping of `from` that has the page at `address`, if it may be mapped on. */
static inline struct mapping *find_source(struct task *from, uint64_t address)
{
    struct mapping *mapping = task_mapping_at(from, address);
    return mapping && mapping_is_settled(mapping) ? mapping : 0;
}

/* Must a large page be divided before the flexpage can be granted? */
static bool divides_large(const struct page_item *page, const struct task *from)
{
    return is_grant(page->item) && (space_is_within_large(&from->space, page->source) ||
                                    space_is_within_large(&from->space, page->source + size_of(page->item)));
}

/* How many entries of page tables a flexpage takes at the receiver. More than it does where it is no whole chunks of
 * one object, or where some are no large frames, as one can see on the way. */
static uint64_t entries_of(const struct page_item *page, struct task *from)
{
    uint64_t size = size_of(page->item), entries = size / LARGE_PAGE_SIZE;
    const struct mapping *source = entries > 0 && entries <= FEW_PAGES ? find_source(from, page->source) : 0;
    if (!source || mapping_end(source) - page->source < size)
        return size / PAGE_SIZE;
    uint32_t offset = source->offset + (uint32_t)((page->source - mapping_address(source)) / PAGE_SIZE);
    bool large =
        offset % LARGE_PAGE_PAGES == 0 && memory_is_large(source->memory, offset, (uint32_t)entries * LARGE_PAGE_PAGES);
    return large ? entries : size / PAGE_SIZE;
}

bool pages_are_few(const struct pages *pages, struct task *from)
{
    uint64_t entries = 0;
    for (uint32_t i = 0; i < pages->count; i++) {
        if (divides_large(&pages->of[i], from))
            return false;
        entries += entries_of(&pages->of[i], from);
    }
    return entries <= FEW_PAGES;
}

/* A few pages of one flexpage lie in one page table; large ones need none. */
bool pages_have_tables(const struct pages *pages, struct task *to)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        const struct page_item *page = &pages->of[i];
        if (!(size_of(page->item) < LARGE_PAGE_SIZE ? space_entry(&to->space, page->target)
                                                    : space_directory_entry(&to->space, page->target)))
            return false;
    }
    return true;
}

/* ---- Mapping ----------------------------------------------------------------------------------------------------- */

/* A piece of this: a mapping that begins or ends within the granted pages is of no others; then unmapping them takes no
 * memory. Is it done, or else an error? */
static bool split_for_grant(struct task *from, uint64_t start, uint64_t end, enum error *error)
{
    struct mapping *first = find_source(from, start), *last = find_source(from, end - PAGE_SIZE);
    *error = ERROR_NONE;
    if ((first && mapping_divide_large(first, start, end, error)) ||
        (last && mapping_divide_large(last, start, end, error)))
        return false;
    if (first && mapping_address(first) < start && !mapping_split(first, start))
        *error = ERROR_NO_MEMORY;
    last = find_source(from, end - PAGE_SIZE);
    if (last && mapping_end(last) > end && !mapping_split(last, end))
        *error = ERROR_NO_MEMORY;
    return *error == ERROR_NONE;
}

/* What is to be mapped of the flexpage from `position` on: as far as one mapping of the sender reaches. */
static inline enum error next_request(const struct page_item *page, struct task *from, struct task *to,
                                      uint64_t position, struct map_request *request)
{
    const struct mapping *source = find_source(from, position);
    uint64_t end = page->source + size_of(page->item);
    if (!source)
        return ERROR_BAD_ADDRESS;
    if (rights_of(page->item) & ~(source->rights | (uint32_t)RIGHT_READ))
        return ERROR_NO_RIGHT;
    uint32_t cache = source->cache & ITEM_CACHE_MASK;
    if (cache_of(page->item) && cache_of(page->item) < cache)
        return ERROR_NO_RIGHT;
    cache = cache_of(page->item) ? cache_of(page->item) : cache;
    end = mapping_end(source) < end ? mapping_end(source) : end;
    *request = (struct map_request){
        .memory = source->memory,
        .task = to,
        .giver = from,
        .address = page->target + (position - page->source),
        .source = position,
        .offset = source->offset + (uint32_t)((position - mapping_address(source)) / PAGE_SIZE),
        .pages = (uint32_t)((end - position) / PAGE_SIZE),
        .rights = rights_of(page->item),
        .cache = cache | (source->cache & MAPPING_DEVICE),
    };
    return ERROR_NONE;
}

/* A piece of the flexpage whose turn it is. */
static enum error map_piece(struct pages *pages, struct thread *maker, struct task *from, struct task *to)
{
    const struct page_item *page = &pages->of[pages->mapped];
    uint64_t position = page->source + pages->reached, size = size_of(page->item);
    struct map_request request;
    bool done = false;
    enum error error;
    if (pages->reached == 0 && is_grant(page->item) && !split_for_grant(from, position, position + size, &error))
        return error;
    error = next_request(page, from, to, position, &request);
    if (error == ERROR_NONE)
        error = mapping_make_piece(maker, &request, &done);
    if (done)
        pages->reached += (uint64_t)request.pages * PAGE_SIZE;
    if (pages->reached == size) {
        pages->mapped++;
        pages->reached = 0;
    }
    return error;
}

/* A piece of unmapping what is granted. Is nothing left? The mappings were split before, so this does not fail. */
static bool unmap_granted_piece(const struct pages *pages, struct task *from)
{
    enum error error;
    for (uint32_t i = 0; i < pages->count; i++) {
        const struct page_item *page = &pages->of[i];
        if (is_grant(page->item) &&
            !mapping_drop_range_piece(from, page->source, page->source + size_of(page->item), &error))
            return false;
    }
    return true;
}

enum error pages_piece(struct pages *pages, struct thread *maker, struct task *from, struct task *to, bool *done)
{
    *done = false;
    if (pages->mapped < pages->count) {
        enum error error = map_piece(pages, maker, from, to);
        if (error != ERROR_NONE)
            mapping_give_up(maker);
        return error;
    }
    mapping_keep_made(maker); /* from here on it is not taken back: what is granted would be lost */
    *done = unmap_granted_piece(pages, from);
    return ERROR_NONE;
}

/* Maps the only flexpage, if there is just one, which is not granted, and one mapping of the sender has it: as a rule.
 * False: it is to be mapped by pieces. */
static bool map_only(const struct pages *pages, struct task *from, struct task *to, enum error *error)
{
    const struct page_item *page = &pages->of[0];
    struct map_request request;
    if (pages->count != 1 || is_grant(page->item))
        return false;
    *error = next_request(page, from, to, page->source, &request);
    if (*error == ERROR_NONE && (uint64_t)request.pages * PAGE_SIZE != size_of(page->item))
        return false;
    if (*error == ERROR_NONE)
        *error = mapping_make_few(&request);
    return true;
}

enum error pages_map(struct pages *pages, struct thread *maker, struct task *from, struct task *to)
{
    enum error error;
    bool done = map_only(pages, from, to, &error);
    while (!done) {
        error = pages_piece(pages, maker, from, to, &done);
        done |= error != ERROR_NONE;
    }
    for (uint32_t i = 0; error != ERROR_NONE && i < MOST_RECORDS && mapping_abandoned_piece(); i++)
        ; /* the rest later, if others have left more */
    return error;
}

/* What is to be mapped of an item of 1 << `log2` bytes, which are cached as the sender has them: true, if one mapping
 * has them all. Where it goes is added. */
static inline bool plain_request(uint64_t item, uint32_t log2, uint64_t source, struct task *from, struct task *to,
                                 struct map_request *request)
{
    uint32_t both = RIGHT_WRITE | RIGHT_EXECUTE;
    if ((item & ~ITEM_RIGHTS) != PLAIN_ITEM(log2) || source % (1UL << log2) || (rights_of(item) & both) == both)
        return false;
    const struct mapping *mapping = find_source(from, source);
    if (!mapping || (rights_of(item) & ~(mapping->rights | (uint32_t)RIGHT_READ)))
        return false;
    if (log2 > PAGE_SHIFT && mapping_end(mapping) - source < 1UL << log2)
        return false;
    *request = (struct map_request){
        .memory = mapping->memory,
        .task = to,
        .giver = from,
        .source = source,
        .offset = mapping->offset + (uint32_t)((source - mapping_address(mapping)) / PAGE_SIZE),
        .pages = 1U << (log2 - PAGE_SHIFT),
        .rights = rights_of(item),
        .cache = mapping->cache,
    };
    return true;
}

bool pages_map_one(const struct utcb *sender, struct thread *maker, struct task *to, uint64_t address)
{
    struct map_request request;
    if (!plain_request(sender->items[0], PAGE_SHIFT, sender->item_addresses[0], maker->task, to, &request))
        return false;
    request.address = address & ~(PAGE_SIZE - 1UL);
    if (mapping_extend(&request))
        return true;
    if (!space_mappable(request.address, 1))
        return false;
    enum error error = mapping_make_few(&request);
    if (error == ERROR_NO_MEMORY)
        mapping_abandoned_piece(); /* that is to be in nobody's way, who asks why */
    return error == ERROR_NONE;
}

/* Maps the one page of an item. */
static bool map_page(struct page_item *page, struct page_window window, struct task *from, struct task *to)
{
    struct map_request request;
    if (!plain_request(page->item, PAGE_SHIFT, page->source, from, to, &request))
        return false;
    request.address = page->target = target_of(page, window);
    uint64_t *entry = page->target ? space_entry(&to->space, page->target) : 0;
    return entry && mapping_make_page(&request, entry) == ERROR_NONE;
}

/* Is it large frames that are to be mapped, and are their entries, from `entry` on, free of tables? */
static inline bool fits_large(const struct map_request *request, const uint64_t *entry)
{
    const uint64_t *chunks = &request->memory->chunks[request->offset / LARGE_PAGE_PAGES];
    uint64_t any = 0, all = CHUNK_LARGE;
    for (uint32_t i = 0; i < request->pages / LARGE_PAGE_PAGES; i++) {
        any |= entry[i];
        all &= chunks[i];
    }
    return all && !(any & PTE_PRESENT) && request->offset % LARGE_PAGE_PAGES == 0;
}

/* Maps the few large pages of an item. They are aligned to their size, so their entries stand in one directory. */
static bool map_large(struct page_item *page, struct page_window window, struct task *from, struct task *to)
{
    struct map_request request;
    uint32_t log2 = log2_of(page->item);
    if (log2 < LARGE_LOG2 || log2 > FEW_LARGE_LOG2 ||
        !plain_request(page->item, log2, page->source, from, to, &request))
        return false;
    request.address = page->target = target_of(page, window);
    uint64_t *entry = page->target ? space_directory_entry(&to->space, page->target) : 0;
    return entry && fits_large(&request, entry) && mapping_make_large(&request, entry) == ERROR_NONE;
}

bool pages_map_only(const struct utcb *sender, struct task *from, struct utcb *receiver, struct task *to)
{
    struct page_item page = {.item = sender->items[0], .source = sender->item_addresses[0]};
    struct page_window window = pages_window(receiver);
    bool single = (page.item & ~ITEM_RIGHTS) == PLAIN_ITEM(PAGE_SHIFT);
    if (!(single ? map_page(&page, window, from, to) : map_large(&page, window, from, to)))
        return false;
    receiver->items[0] = page.item;
    receiver->item_addresses[0] = page.target;
    return true;
}

void pages_arrive(const struct pages *pages, struct utcb *receiver)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        receiver->items[pages->of[i].number] = pages->of[i].item;
        receiver->item_addresses[pages->of[i].number] = pages->of[i].target;
    }
}
