/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panics. See panic.h.
 *
 * Trusts as little as possible: the stack is read word by word, each page only after a look into the page tables, and
 * whatever points into text is printed (so stale words may show up; the line says "may"). A panic within a panic says
 * so and turns the machine off at once.
 */
#include "debug/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "abi/addresses.h"
#include "boot/boot.h"
#include "boot/entry.h"
#include "debug/console.h"
#include "debug/format.h"
#include "debug/symbols.h"
#include "debugger.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/cpu_state.h"

#define STACK_MAX_LINES 24

#define ENTRY_PRESENT 0x001
#define ENTRY_LARGE 0x080
#define ENTRY_ADDRESS 0x000ffffffffff000UL

static bool panicking; /* set by the first panic, atomically */

static void put_console(void *context, char character)
{
    (void)context;
    console_putc(character);
}

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* Do the current page tables map `address`? Intel SDM volume 3, 4.5. */
static bool is_mapped(uint64_t address)
{
    uint64_t table = read_cr3() & ENTRY_ADDRESS;

    if (!canonical(address))
        return false;
    for (int shift = 39; shift >= PAGE_SHIFT; shift -= 9) {
        uint64_t entry = ((const uint64_t *)(PHYSICAL_MAP + table))[address >> shift & 511];

        if (!(entry & ENTRY_PRESENT))
            return false;
        if (shift < 39 && (entry & ENTRY_LARGE))
            return true;
        table = entry & ENTRY_ADDRESS;
    }
    return true;
}

/* Prints an address with its symbol. A return address is looked up one byte before, `back` = 1: the call may be the
 * last instruction of its function. */
static void print_place(const char *prefix, uint64_t address, unsigned back)
{
    uint64_t offset;
    const char *name = symbols_lookup(address - back, &offset);

    if (name != NULL)
        console_printf("%s%016lx %s+0x%lx\n", prefix, address, name, offset + back);
    else
        console_printf("%s%016lx\n", prefix, address);
}

static bool is_text(uint64_t address)
{
    uint64_t trampoline_end = TRAMPOLINE_TEXT + TRAMPOLINE_TEXT_PAGES * PAGE_SIZE;

    return (address >= (uint64_t)kernel_text_start && address < (uint64_t)kernel_text_end) ||
           (address >= TRAMPOLINE_TEXT && address < trampoline_end);
}

static void print_stack(uint64_t stack)
{
    int lines = 0;

    console_printf("stack at %016lx; these may be return addresses:\n", stack);
    stack &= ~7UL;
    for (uint64_t end = stack + KERNEL_STACK_SIZE; stack < end && lines < STACK_MAX_LINES; stack += 8) {
        if (!is_mapped(stack))
            return;
        if (is_text(*(const uint64_t *)stack)) {
            print_place("  ", *(const uint64_t *)stack, 1);
            lines++;
        }
    }
}

void print_registers(const struct trap_frame *frame)
{
    console_printf("rip %016lx cs  %04lx rflags %08lx rsp %016lx ss %04lx\n", frame->rip, frame->cs, frame->rflags,
                   frame->rsp, frame->ss);
    console_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    console_printf("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->r8);
    console_printf("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", frame->r9, frame->r10, frame->r11, frame->r12);
    console_printf("r13 %016lx r14 %016lx r15 %016lx\n", frame->r13, frame->r14, frame->r15);
    console_printf("vector %lu error 0x%lx cr2 %016lx cr3 %016lx\n", frame->vector, frame->error, read_cr2(),
                   read_cr3());
}

/* Lets the first panic through; any other one ends here. */
static void enter_panic(void)
{
    interrupts_disable();
    if (__atomic_test_and_set(&panicking, __ATOMIC_ACQ_REL)) {
        console_printf("\nsalto: PANIC within a panic\n");
        power_off(PANIC_STATUS);
    }
    console_printf("\nsalto: PANIC: ");
}

static _Noreturn void finish_panic(const struct trap_frame *frame, unsigned back)
{
    print_place("\nat ", frame->rip, back);
    print_registers(frame);
    print_stack(frame->rsp);
    debugger_panicked();
    power_off(PANIC_STATUS);
}

void panic_with_frame(const struct trap_frame *frame, const char *format, ...)
{
    va_list arguments;

    enter_panic();
    va_start(arguments, format);
    format_arguments(put_console, NULL, format, arguments);
    va_end(arguments);
    finish_panic(frame, 0);
}

/* Stores the general registers as they are now, but for one that points to `frame`. */
static inline __attribute__((always_inline)) void store_registers(struct trap_frame *frame)
{
    __asm__ volatile("movq %%r15, 0(%0)\n\tmovq %%r14, 8(%0)\n\tmovq %%r13, 16(%0)\n\tmovq %%r12, 24(%0)\n\t"
                     "movq %%rbp, 32(%0)\n\tmovq %%rbx, 40(%0)\n\tmovq %%r11, 48(%0)\n\tmovq %%r10, 56(%0)\n\t"
                     "movq %%r9, 64(%0)\n\tmovq %%r8, 72(%0)\n\tmovq %%rdi, 80(%0)\n\tmovq %%rsi, 88(%0)\n\t"
                     "movq %%rdx, 96(%0)\n\tmovq %%rcx, 104(%0)\n\tmovq %%rax, 112(%0)\n\t"
                     "pushfq\n\tpopq %c1(%0)"
                     :
                     : "r"(frame), "i"(offsetof(struct trap_frame, rflags))
                     : "memory");
    __asm__ volatile("movl %%cs, %k0\n\tmovl %%ss, %k1" : "=r"(frame->cs), "=r"(frame->ss));
}

void panic(const char *format, ...)
{
    struct trap_frame frame;
    va_list arguments;

    store_registers(&frame);
    frame.vector = frame.error = 0;
    frame.rip = (uint64_t)__builtin_return_address(0);
    frame.rsp = (uint64_t)__builtin_frame_address(0) + 2 * sizeof(uint64_t); /* past rbp and return address */
    enter_panic();
    va_start(arguments, format);
    format_arguments(put_console, NULL, format, arguments);
    va_end(arguments);
    finish_panic(&frame, 1);
}
