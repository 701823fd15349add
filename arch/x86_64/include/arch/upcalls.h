/* Everything that arch/x86_64, in C and in assembly, calls above itself: declared here, defined in
 * the room named. There is no other way up from here, but panic (lib/panic.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/limits.h>
#include <abi/types.h>

struct exception_frame;
struct page_fault;
struct thread_context;

/* --- entering the kernel -------------------------------------------------------------------------
 */

/* kernel/main.c: the boot CPU's first C code, on its first stack, interrupts off. `magic` and
 * `info_address` (physical) are what the loader left in eax and ebx. */
_Noreturn void kernel_main(uint32_t magic, uint64_t info_address);

/* kernel/syscall: the system calls, indexed by number. Each has its own type; the entry calls them
 * all with eight words. Numbers without a call lead to sys_bad_syscall. */
typedef void (*syscall_function_t)(void);
extern const syscall_function_t syscall_table[SYSCALL_MAX_NUMBER];
zx_status_t sys_bad_syscall(void);

/* --- exceptions ----------------------------------------------------------------------------------
 */

/* kernel/mm: resolves a page fault; true: the access can be made again. Interrupts are on when they
 * were on before. In a user copy the fault table is tried after this returned false. */
bool page_fault_handle(const struct page_fault* fault);
/* kernel/mm: whether the page tables permit the access already. Interrupts on. */
bool page_fault_is_spurious(const struct page_fault* fault);
/* kernel/mm: whether the address is in the guard page below a kernel stack. */
bool kernel_stack_is_guard(uintptr_t address);
/* kernel/task: an exception of user mode that nothing resolved; ends the process. `name` says which
 * exception. Interrupts on. */
_Noreturn void user_exception(const struct exception_frame* frame, const char* name,
                              uintptr_t fault_address);
/* kernel/debug: the emergency console, whatever the CPU was doing (in an NMI). Nothing can go on as
 * before afterwards. */
void emergency_console_run_anywhere(void);

/* --- interrupts; all with interrupts off ---------------------------------------------------------
 */

/* kernel/sched: around the handler of each interrupt. The result of the first goes to the second.
 */
bool interrupt_begin(void);
void interrupt_end(bool was_handing_over);
/* arch/pc: a device raised the ISA line (0-15). */
void device_interrupt(uint32_t line);
/* kernel/sched: the one-shot timer fired; a reschedule message came; this CPU interrupted itself.
 */
void timer_interrupt(void);
void reschedule_interrupt(void);
void soft_interrupt(void);
/* kernel/lock: ipi_call on another CPU wants this one. */
void ipi_call_interrupt(void);

/* --- threads -------------------------------------------------------------------------------------
 */

/* kernel/sched: called last on the way out of an interrupt, interrupts off, when the interrupted
 * code was preemptible (preempt_count 0 with the reschedule bit set); may switch threads. */
void interrupt_preempt(void);
/* kernel/sched: gives the CPU away, when the last preempt_disable is undone and a reschedule is
 * wanted (arch/preempt.h); returns when this thread runs again. */
void preempt_reschedule(void);
/* kernel/sched: called before going back to user mode (system call, interrupt, exception) when the
 * thread's context.pending_work is not 0. Does not return if the thread was killed. */
void thread_return_to_user(void);
/* kernel/sched: the first call of a new thread; `previous` is the thread whose place it took.
 * Interrupts off. */
void thread_first_run(struct thread_context* previous);
/* kernel/sched: the function that the thread began with has returned. */
_Noreturn void thread_entry_returned(void);

/* --- other CPUs, and memory ----------------------------------------------------------------------
 */

/* kernel/lock: runs function(argument) on every CPU in `cpu_mask` but this one, with interrupts off
 * there, and waits until all have. Interrupts must be on here. */
void ipi_call(uint32_t cpu_mask, void (*function)(void*), void* argument);

/* kernel/mm: pages for page tables. A new one is zero, and so is its count, which is the caller's
 * to use. NULL: no memory. */
void* table_page_alloc(void);
void table_page_free(void* table);
_Atomic uint32_t* table_page_count(const void* table);

/* kernel/mm: memory for the FPU states of threads, all of one size, which is said once. NULL: no
 * memory. */
void fpu_memory_init(size_t size, size_t alignment);
void* fpu_memory_alloc(void);
void fpu_memory_free(void* state);
