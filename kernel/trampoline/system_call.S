/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The crossing: `syscall` enters here, and plain and long calls and replies leave here again, into the partner's
 * address space, without the kernel. Whatever is not covered leaves for the kernel at `slow`, with nothing changed but
 * what the entry saved.
 *
 * Each path is a run of positive checks; behind the line "point of no return" nothing can fail. Interrupts are off
 * throughout. Until a path is past its checks it may change only rcx, r11 and rsp, which the entry has saved in the
 * caller's hot line; every other register still holds what the caller had.
 *
 * Register roles: rsp = the partner's hot line once it is known (there is no stack here: NMI, debug, double fault and
 * machine check have stacks of their own, nothing else can happen), gs = the caller's hot line, rcx and r11 = scratch.
 */
#include "abi/addresses.h"
#include "abi/message.h"
#include "trampoline/layout.h"

#define LONG_CALL (TAG_NATIVE + (MESSAGE_CALL << TAG_OPERATION_SHIFT))
#define LONG_REPLY (TAG_NATIVE + (MESSAGE_REPLY_AND_WAIT << TAG_OPERATION_SHIFT))
/* Long forms hold 7 to 63 words: this many values. */
#define LONG_FORMS (MESSAGE_MAX_WORDS - MESSAGE_REGISTER_WORDS)

        .text
        .code64

/* Leaves for the kernel unless the compare before it found equality. Each place has a name: the boot option `fast-path`
 * makes the jump unconditional there, so that the check fails (ipc/fast_path.h). */
.macro CHECK path, name
        .globl  trampoline_check_\path\()_\name
trampoline_check_\path\()_\name:
        jne     slow
.endm

/* rcx := slot offset, rsp := line of the thread that waits on the handle's endpoint, on this CPU; else to slow. An
 * empty slot names endpoint 0, and its waiter, nobody, waits on nothing: neither needs a test. The index is masked by
 * its own width, so that not even speculation reads outside the slots. */
.macro FIND_RECEIVER path
        movzwl  %di, %ecx
        cmp     %rcx, %rdi
        CHECK   \path, handle
        shl     $4, %ecx
        mov     CAPABILITY_SLOTS + SLOT_ENDPOINT(%rcx), %r11
        mov     HOT_ENDPOINTS + ENDPOINT_WAITER(%r11), %rsp
        cmp     %r11, HOT_WAITS(%rsp)
        CHECK   \path, waiter
        mov     %gs:HOT_GATE, %r11
        cmp     %r11, HOT_GATE(%rsp)
        CHECK   \path, gate
.endm

/* rsp := line of the caller that may be answered; the handle is the one on which a plain wait is known to be allowed
 * (right, no queued sender, still this capability: the kernel clears HOT_RECEIVE_HANDLE otherwise). */
.macro FIND_CALLER path
        cmp     %gs:HOT_RECEIVE_HANDLE, %rdi
        CHECK   \path, receive_handle
        mov     %gs:HOT_CALLER, %rsp
        rdgsbase %rcx
        cmp     %rcx, HOT_PARTNER(%rsp)
        CHECK   \path, partner
        mov     %gs:HOT_GATE, %rcx
        cmp     %rcx, HOT_GATE(%rsp)
        CHECK   \path, gate
.endm

/* Who may answer whom; the receiver no longer waits. Destroys rcx. */
.macro NOTE_CALL
        mov     %rsp, %gs:HOT_PARTNER
        rdgsbase %rcx
        mov     %rcx, HOT_CALLER(%rsp)
        movq    $0, HOT_WAITS(%rsp)
.endm

/* An answer is given once; the server waits again. Destroys rcx. */
.macro NOTE_REPLY
        movq    $0, HOT_PARTNER(%rsp)
        mov     %gs:HOT_RECEIVE_ENDPOINT, %rcx
        mov     %rcx, %gs:HOT_WAITS
.endm

/* The caller's registers go to its task's private pages. */
.macro SAVE_REGISTERS slot
        mov     %gs:HOT_SAVE, %\slot
        mov     %rbp, 0(%\slot)
        mov     %r12, 8(%\slot)
        mov     %r13, 16(%\slot)
        mov     %r14, 24(%\slot)
        mov     %r15, 32(%\slot)
.endm

.macro RESTORE_REGISTERS
        mov     HOT_SAVE(%rsp), %rcx
        mov     0(%rcx), %rbp
        mov     8(%rcx), %r12
        mov     16(%rcx), %r13
        mov     24(%rcx), %r14
        mov     32(%rcx), %r15
.endm

/* A receiver must not see the caller's. */
.macro CLEAR_REGISTERS
        xor     %ebp, %ebp
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
.endm

.macro SAVE_FS_BASE
        rdfsbase %rcx
        mov     %rcx, %gs:HOT_FS_BASE
.endm

/* One crossing is one write of CR3, and none within an address space. */
.macro SWITCH_ADDRESS_SPACE
        mov     HOT_CR3(%rsp), %rcx
        cmp     %gs:HOT_CR3, %rcx
        je      1f
        mov     %rcx, %cr3
1:
.endm

/* On as the thread of line rsp, in whose address space we are. The kernel's GS base becomes its line, the user's its
 * UTCB; vector state is wiped. Every value was checked when it was stored: none of this can fault. */
.macro RESUME
        wrgsbase %rsp
        swapgs
        mov     HOT_USER_GS(%rsp), %rcx
        wrgsbase %rcx
        mov     HOT_FS_BASE(%rsp), %rcx
        wrfsbase %rcx
        fxrstor64 clean_vector_state
        mov     HOT_FLAGS(%rsp), %r11
        mov     HOT_RIP(%rsp), %rcx
        mov     HOT_RSP(%rsp), %rsp
        sysretq
.endm

        .globl  trampoline_system_call
trampoline_system_call:
        swapgs
        mov     %rcx, %gs:HOT_RIP
        mov     %rsp, %gs:HOT_RSP
        mov     %r11, %gs:HOT_FLAGS
        cmp     $TAG_PLAIN_CALL_LAST, %eax
        jg      not_plain_call

plain_call:
        FIND_RECEIVER plain_call
        /* ---- point of no return ---- */
        mov     CAPABILITY_SLOTS + SLOT_BADGE(%rcx), %rdi
        NOTE_CALL
        SAVE_REGISTERS rcx
        SAVE_FS_BASE
        SWITCH_ADDRESS_SPACE
        CLEAR_REGISTERS
        RESUME

not_plain_call:
        cmp     $TAG_PLAIN_REPLY_LAST, %eax
        jg      not_plain

plain_reply:
        FIND_CALLER plain_reply
        /* ---- point of no return ---- */
        NOTE_REPLY
        SAVE_FS_BASE
        SWITCH_ADDRESS_SPACE
        xor     %edi, %edi
        RESTORE_REGISTERS
        RESUME

        /* Linux' numbers are not negative, but for -1. */
not_plain:
        test    %eax, %eax
        jns     reflect
        lea     -(LONG_CALL + MESSAGE_REGISTER_WORDS + 1)(%rax), %ecx
        cmp     $LONG_FORMS, %ecx
        jb      long_call
        lea     -(LONG_REPLY + MESSAGE_REGISTER_WORDS + 1)(%rax), %ecx
        cmp     $LONG_FORMS, %ecx
        jb      long_reply
        cmp     $-1, %eax
        je      reflect

        /* For the kernel: it finds words, tag and handle in their registers, everything else saved. */
slow:
        SAVE_REGISTERS rcx
        SAVE_FS_BASE
        mov     %gs:HOT_GATE, %rsp
        mov     GATE_KERNEL_CR3(%rsp), %rcx
        mov     %rcx, %cr3
        jmp     *GATE_SYSTEM_CALL(%rsp)

/* Copies words 6 and up from UTCB to UTCB through the kernel's map of memory. first: tag of a message of 6 words.
 * Destroys rcx and rsi and rdi. */
.macro COPY_WORDS first
        mov     %gs:HOT_UTCB_WORDS, %rsi
        mov     HOT_UTCB_WORDS(%rsp), %rdi
        mov     %gs:HOT_GATE, %rcx
        mov     GATE_KERNEL_CR3(%rcx), %rcx
        mov     %rcx, %cr3
        lea     -(\first)(%rax), %ecx
        rep movsq
        mov     HOT_CR3(%rsp), %rcx
        mov     %rcx, %cr3
.endm

long_call:
        FIND_RECEIVER long_call
        /* ---- point of no return ---- */
        SAVE_REGISTERS r11
        mov     CAPABILITY_SLOTS + SLOT_BADGE(%rcx), %r12
        mov     %rsi, %r13
        NOTE_CALL
        SAVE_FS_BASE
        COPY_WORDS LONG_CALL + MESSAGE_REGISTER_WORDS
        mov     %r13, %rsi
        mov     %r12, %rdi
        CLEAR_REGISTERS
        RESUME

long_reply:
        FIND_CALLER long_reply
        /* ---- point of no return ---- */
        NOTE_REPLY
        SAVE_FS_BASE
        mov     %rsi, %r11
        COPY_WORDS LONG_REPLY + MESSAGE_REGISTER_WORDS
        mov     %r11, %rsi
        xor     %edi, %edi
        RESTORE_REGISTERS
        RESUME

/* A Linux call bounces back to the Linux-call handler of the task, in the caller's address space, with every register
 * as it was: rcx and r11 carry the program's rip and flags, as Linux leaves them. */
reflect:
        cmpq    $0, %gs:HOT_REFLECT
        je      slow
        mov     %gs:HOT_RIP, %rcx
        mov     %gs:HOT_GATE, %rsp
        push    $SELECTOR_USER_DATA
        push    %gs:HOT_RSP
        push    %r11
        push    $SELECTOR_USER_CODE
        push    %gs:HOT_REFLECT
        swapgs
        iretq

/* The kernel resumes a thread that waits in a system call. In: rsp = its line; rax, rdi and the words as it shall see
 * them; kernel's CR3. */
        .globl  trampoline_resume
trampoline_resume:
        mov     HOT_CR3(%rsp), %rcx
        mov     %rcx, %cr3
        RESTORE_REGISTERS
        RESUME

/* x87, SSE and MXCSR at their power-up defaults: what every native IPC leaves. The image is what fxrstor64 reads: FCW
 * at 0, MXCSR at 24, everything else zero (Intel SDM volume 1, 10.5.1). */
        .balign 16
clean_vector_state:
        .word   0x037f
        .zero   22
        .long   0x1f80
        .zero   512 - 28
