/* SPDX-License-Identifier: BSD-2-Clause */
/* String items. See string.h. */
#include "ipc/string.h"

#include "mem/frame.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "x86/cpu.h"

#define ENTRIES 512
#define LEVEL_SHIFT 9
#define TOP_SHIFT (PAGE_SHIFT + 3 * LEVEL_SHIFT)
#define MAY_READ (PTE_PRESENT | PTE_USER | PTE_MEMORY)
#define MAY_WRITE (MAY_READ | PTE_WRITE)
#define FAULT_PRESENT 1UL /* of the error code: Intel SDM volume 3, 4.7 */
#define FAULT_WRITE 2UL
#define FAULT_USER 4UL
#define WORD sizeof(uint64_t)
#define PAGES_AT_ONCE 4UL                   /* with interrupts off, an instruction for each word */
#define AT_ONCE (PAGES_AT_ONCE * PAGE_SIZE) /* bytes; the same where pages are not copied whole */
#define SHORT (2 * PAGE_SIZE)               /* that much is copied on the way of the message */
#define LOOKED_AT_ONCE 32                   /* pages, with interrupts off */

/* Where an address of a program lies: in a page of 1 << shift bytes, which *entry maps. */
struct place {
    uint64_t *entry;
    uint32_t shift;
};

static const uint64_t nothing; /* the entry of what is mapped nowhere; never written, since it allows nothing */

/* ---- What a message carries -------------------------------------------------------------------------------------- */

enum error strings_read(struct strings *strings, const struct utcb *sender, uint32_t items, const struct utcb *receiver)
{
    uint32_t count = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < items; i++) {
        uint64_t item = sender->items[i], length = item >> ITEM_LENGTH_SHIFT, from = sender->item_addresses[i];
        if (!is_string(item))
            continue;
        if (count == MESSAGE_MAX_STRINGS || length > receiver->string_buffers[count].size)
            return ERROR_NO_BUFFER;
        if (from >= USER_END || length > USER_END - from)
            return ERROR_BAD_ADDRESS;
        strings->of[count] = (struct string){from, receiver->string_buffers[count].address, (uint32_t)length, i};
        total += length;
        count++;
    }
    strings->total = total;
    strings->done = strings->current = 0;
    strings->count = count;
    return ERROR_NONE;
}

void strings_arrive(const struct strings *strings, struct utcb *receiver)
{
    for (uint32_t i = 0; i < strings->count; i++) {
        const struct string *string = &strings->of[i];
        receiver->items[string->item] = (uint64_t)string->length << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING
                                                                                            << ITEM_KIND_SHIFT;
        receiver->item_addresses[string->item] = string->to;
    }
}

/* ---- Finding pages ----------------------------------------------------------------------------------------------- */

#define TABLE(entry) ((uint64_t *)physical_to_virtual((entry)&PTE_ADDRESS))

static inline uint64_t *entry_in(uint64_t *table, uint64_t address, uint32_t shift)
{
    return &table[address >> shift & (ENTRIES - 1)];
}

static struct place find(const struct space *space, uint64_t address)
{
    uint64_t *table = physical_to_virtual(space->pml4);
    for (uint32_t shift = TOP_SHIFT; address < USER_END; shift -= LEVEL_SHIFT) {
        uint64_t *entry = entry_in(table, address, shift);
        if (shift == PAGE_SHIFT || (*entry & PTE_LARGE))
            return (struct place){entry, shift};
        if (!(*entry & PTE_PRESENT))
            break;
        table = TABLE(*entry);
    }
    return (struct place){(uint64_t *)&nothing, PAGE_SHIFT};
}

static inline bool is_table(uint64_t entry)
{
    return (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

/* The same where there are tables on all levels, as a rule; else `nothing`. */
static inline uint64_t *find_small(const struct space *space, uint64_t address)
{
    uint64_t entry = *entry_in(physical_to_virtual(space->pml4), address, TOP_SHIFT);
    if (!(entry & PTE_PRESENT) || address >= USER_END)
        return (uint64_t *)&nothing;
    entry = *entry_in(TABLE(entry), address, TOP_SHIFT - LEVEL_SHIFT);
    if (!is_table(entry))
        return (uint64_t *)&nothing;
    entry = *entry_in(TABLE(entry), address, PAGE_SHIFT + LEVEL_SHIFT);
    if (!is_table(entry))
        return (uint64_t *)&nothing;
    return entry_in(TABLE(entry), address, PAGE_SHIFT);
}

/* ---- Copying ----------------------------------------------------------------------------------------------------- */

static inline void copy_words(void *to, const void *from, uint64_t words)
{
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static inline void copy_bytes(char *to, const char *from, uint64_t length)
{
    uint64_t words = length / WORD, rest = length % WORD;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    if (rest)
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

static inline uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* May what one entry maps be read, and what the other maps be written? */
static inline bool may_copy(uint64_t source, uint64_t target)
{
    return (target & (source | PTE_WRITE) & MAY_WRITE) == MAY_WRITE;
}

/* Copies at most `most` bytes from page to page, and no further, if that is possible. How many? */
static inline uint64_t copy_in_page(uint64_t *source, uint64_t *target, uint64_t from, uint64_t to, uint64_t most)
{
    uint64_t source_entry = *source, target_entry = *target;
    uint64_t from_offset = from % PAGE_SIZE, to_offset = to % PAGE_SIZE;
    uint64_t length = smaller(most, PAGE_SIZE - (from_offset > to_offset ? from_offset : to_offset));
    if (!may_copy(source_entry, target_entry))
        return 0;
    *source = source_entry | PTE_ACCESSED;
    *target = target_entry | PTE_ACCESSED | PTE_DIRTY;
    copy_bytes((char *)TABLE(target_entry) + to_offset, (char *)TABLE(source_entry) + from_offset, length);
    return length;
}

bool strings_copy_at_once(const struct strings *strings, const struct space *from, const struct space *to)
{
    if (strings->total > SHORT)
        return false;
    for (uint32_t i = 0; i < strings->count; i++) {
        uint64_t source = strings->of[i].from, target = strings->of[i].to, left = strings->of[i].length;
        while (left) {
            uint64_t copied = copy_in_page(find_small(from, source), find_small(to, target), source, target, left);
            if (!copied)
                return false;
            source += copied;
            target += copied;
            left -= copied;
        }
    }
    return true;
}

/* Lets interrupts in. Has one come, so that nothing is to be relied on, or should the thread stop? */
static inline bool was_interrupted(const struct cpu *cpu, uint64_t before)
{
    interrupts_enable();
    cpu_no_operation();
    interrupts_disable();
    return cpu->kernel_interrupts != before || schedule_switch == SCHEDULE_BEST;
}

static inline void copy_page(uint64_t *source, uint64_t *target)
{
    uint64_t source_entry = *source, target_entry = *target;
    *source = source_entry | PTE_ACCESSED;
    *target = target_entry | PTE_ACCESSED | PTE_DIRTY;
    copy_words(TABLE(target_entry), TABLE(source_entry), PAGE_SIZE / WORD);
}

/* Copies four pages, which lie one behind the other in their page tables, if all can be. */
static inline bool copy_four_pages(uint64_t *source, uint64_t *target)
{
    if (!may_copy(source[0] & source[1] & source[2] & source[3], target[0] & target[1] & target[2] & target[3]))
        return false;
    copy_page(source, target);
    copy_page(source + 1, target + 1);
    copy_page(source + 2, target + 2);
    copy_page(source + 3, target + 3);
    return true;
}

/* Copies up to `pages` whole pages, by fours, and lets interrupts in between, until one has come. How many? */
static uint64_t copy_pages(uint64_t *source, uint64_t *target, uint64_t pages)
{
    const struct cpu *cpu = this_cpu();
    uint64_t before = cpu->kernel_interrupts, copied = 0;
    if (pages < PAGES_AT_ONCE)
        return 0;
    do {
        if (!copy_four_pages(source + copied, target + copied))
            break;
        copied += PAGES_AT_ONCE;
    } while (copied + PAGES_AT_ONCE <= pages && !was_interrupted(cpu, before));
    return copied;
}

/* How many whole pages follow on both sides, as far as one page table reaches? */
static uint64_t whole_pages(struct place source, struct place target, uint64_t from, uint64_t to, uint64_t left)
{
    if ((from | to) % PAGE_SIZE || source.shift != PAGE_SHIFT || target.shift != PAGE_SHIFT)
        return 0;
    uint64_t pages = smaller(left / PAGE_SIZE, ENTRIES - (from >> PAGE_SHIFT & (ENTRIES - 1)));
    return smaller(pages, ENTRIES - (to >> PAGE_SHIFT & (ENTRIES - 1)));
}

static uint64_t offset_in(struct place place, uint64_t address)
{
    return address & ((1UL << place.shift) - 1);
}

static char *in_kernel_map(struct place place, uint64_t address)
{
    uint64_t page = *place.entry & PTE_ADDRESS & ~((1UL << place.shift) - 1);
    return physical_to_virtual(page + offset_in(place, address));
}

/* As copy_in_page(), for pages of any size. */
static uint64_t copy_in_any_page(struct place source, struct place target, uint64_t from, uint64_t to, uint64_t most)
{
    uint64_t length = smaller(most, (1UL << source.shift) - offset_in(source, from));
    length = smaller(length, (1UL << target.shift) - offset_in(target, to));
    *source.entry |= PTE_ACCESSED;
    *target.entry |= PTE_ACCESSED | PTE_DIRTY;
    copy_bytes(in_kernel_map(target, to), in_kernel_map(source, from), length);
    return length;
}

/* Copies a piece of a string: AT_ONCE bytes, or less, or whole pages until an interrupt comes. STRINGS_MORE: so far all
 * is well. */
static enum strings_result copy_piece(const struct string *string, uint64_t *done, const struct space *from,
                                      const struct space *to)
{
    uint64_t from_address = string->from + *done, to_address = string->to + *done, left = string->length - *done;
    struct place source = find(from, from_address), target = find(to, to_address);
    if ((*source.entry & MAY_READ) != MAY_READ)
        return STRINGS_SOURCE_MISSING;
    if ((*target.entry & MAY_WRITE) != MAY_WRITE)
        return STRINGS_TARGET_MISSING;
    uint64_t pages = whole_pages(source, target, from_address, to_address, left);
    uint64_t copied = PAGE_SIZE * copy_pages(source.entry, target.entry, pages);
    if (!copied)
        copied = copy_in_any_page(source, target, from_address, to_address, smaller(left, AT_ONCE));
    *done += copied;
    return STRINGS_MORE;
}

uint64_t strings_position(const struct strings *strings)
{
    uint64_t position = strings->done;
    for (uint32_t i = 0; i < strings->current; i++)
        position += strings->of[i].length;
    return position;
}

static void set_position(struct strings *strings, uint64_t position)
{
    for (strings->current = 0; strings->current < strings->count; strings->current++) {
        uint32_t length = strings->of[strings->current].length;
        if (position < length)
            break;
        position -= length;
    }
    strings->done = position;
}

void strings_look_from(struct strings *strings, uint64_t position)
{
    strings->looks = position < strings->total;
    set_position(strings, strings->looks ? position : 0);
}

enum strings_result strings_look(struct strings *strings, const struct space *from)
{
    for (uint32_t i = 0; i < LOOKED_AT_ONCE && strings->current < strings->count; i++) {
        const struct string *string = &strings->of[strings->current];
        uint64_t address = string->from + strings->done, left = string->length - strings->done;
        if ((*find(from, address).entry & MAY_READ) != MAY_READ)
            return STRINGS_SOURCE_MISSING;
        set_position(strings, strings_position(strings) + smaller(PAGE_SIZE - address % PAGE_SIZE, left));
    }
    strings->looks = strings->current < strings->count;
    if (!strings->looks)
        set_position(strings, 0);
    return STRINGS_MORE;
}

enum strings_result strings_copy(struct strings *strings, const struct space *from, const struct space *to)
{
    enum strings_result result = STRINGS_COPIED;
    for (; strings->current < strings->count; strings->current++, strings->done = 0) {
        const struct string *string = &strings->of[strings->current];
        if (strings->done == string->length)
            continue;
        if (result == STRINGS_MORE)
            return result;
        result = copy_piece(string, &strings->done, from, to);
        if (result != STRINGS_MORE || strings->done < string->length)
            return result;
    }
    return STRINGS_COPIED;
}

uint64_t strings_missing(const struct strings *strings, bool source, const struct space *space, uint64_t *code)
{
    const struct string *string = &strings->of[strings->current];
    uint64_t address = (source ? string->from : string->to) + strings->done;
    *code = FAULT_USER | (source ? 0 : FAULT_WRITE) | (*find(space, address).entry & PTE_PRESENT ? FAULT_PRESENT : 0);
    return address;
}
