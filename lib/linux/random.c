/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers for getrandom() and for AT_RANDOM of root. */
#include <errno.h>

#include "linux.h"

#define CPUID_FEATURES 1
#define CPUID_RDRAND (1U << 30) /* in ecx; Intel SDM volume 2, CPUID */
#define RDRAND_ATTEMPTS 10      /* Intel SDM volume 1, 7.3.17.1 */

static bool has_rdrand(void)
{
    uint32_t a = CPUID_FEATURES, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c & CPUID_RDRAND;
}

static bool read_rdrand(uint64_t *value)
{
    bool good = false;
    for (int i = 0; i < RDRAND_ATTEMPTS && !good; i++)
        __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(good));
    return good;
}

/* A step of splitmix64, over a state into which the time goes each time. */
static uint64_t mix_time(void)
{
    static uint64_t state;
    uint64_t value = __atomic_add_fetch(&state, linux_tsc() + 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

void linux_random_bytes(uint8_t *bytes, size_t length)
{
    bool rdrand = has_rdrand();
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++, value >>= 8) {
        if (i % 8 == 0 && !(rdrand && read_rdrand(&value)))
            value = mix_time();
        bytes[i] = (uint8_t)value;
    }
}

/* getrandom(buffer, length, flags) */
int64_t linux_getrandom(const struct linux_frame *frame)
{
    if (!linux_pointer_is_plausible(frame->rdi, frame->rsi))
        return -EFAULT;
    linux_random_bytes((uint8_t *)frame->rdi, frame->rsi);
    return (int64_t)frame->rsi;
}
