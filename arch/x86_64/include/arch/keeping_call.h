/* Calls that keep all registers.
 *
 * A function with an ordinary call saves registers when it is entered, even if it then does not
 * make the call. A fast path calls its rare steps (take a batch of memory, notify observers,
 * reschedule) in this way instead. The call itself saves the registers, so only a rare step costs
 * time. */
#pragma once

#include <stdint.h>

#if __STDC_HOSTED__ /* the build machine's tests */
#define KEEPING_CALLABLE(function) _Static_assert(1, "")
#define KEEPING_CALLABLE_FOR_ANSWER(function) _Static_assert(1, "")
#define CALL_KEEPING(function) function()
#define CALL_KEEPING_1(function, argument) function(argument)
#define CALL_KEEPING_2(function, argument0, argument1) function(argument0, argument1)
#define CALL_KEEPING_1_FOR_ANSWER(function, argument) function(argument)
#else
/* Put this beside the definition of a function that returns nothing... */
#define KEEPING_CALLABLE(function) KEEPING_THUNK(function, "push %rax\n", "pop %rax\n")
/* ...or this, if it returns a pointer. */
#define KEEPING_CALLABLE_FOR_ANSWER(function) KEEPING_THUNK(function, "", "")

#define KEEPING_THUNK(function, push_rax, pop_rax)                                   \
    __asm__(".pushsection .text, \"ax\"\n"                                           \
            ".globl " #function "_keeping\n" #function "_keeping:\n"                 \
            "push %rbp\n mov %rsp, %rbp\n" push_rax                                  \
            "push %rcx\n push %rdx\n push %rsi\n push %rdi\n"                        \
            "push %r8\n push %r9\n push %r10\n push %r11\n"                          \
            "call " #function "\n"                                                   \
            "pop %r11\n pop %r10\n pop %r9\n pop %r8\n"                              \
            "pop %rdi\n pop %rsi\n pop %rdx\n pop %rcx\n" pop_rax "pop %rbp\n ret\n" \
            ".popsection\n")

/* Arguments are pointers or integers. */
#define CALL_KEEPING(function) __asm__ volatile("call " #function "_keeping" ::: "memory", "cc")
#define CALL_KEEPING_1(function, argument) \
    __asm__ volatile("call " #function "_keeping" ::"D"((uint64_t)(argument)) : "memory", "cc")
#define CALL_KEEPING_2(function, argument0, argument1)                          \
    __asm__ volatile("call " #function "_keeping" ::"D"((uint64_t)(argument0)), \
                     "S"((uint64_t)(argument1))                                 \
                     : "memory", "cc")
#define CALL_KEEPING_1_FOR_ANSWER(function, argument) \
    ({                                                \
        void* answer;                                 \
        __asm__ volatile("call " #function "_keeping" \
                         : "=a"(answer)               \
                         : "D"((uint64_t)(argument))  \
                         : "memory", "cc");           \
        answer;                                       \
    })
#endif
