/* Killing a job. This has files of its own, above those of jobs and of processes, because job.h
 * does not know processes. */
#pragma once

struct job;

/* Kills every process of the job and of the jobs below it. From then on nothing can join these
 * jobs. */
void job_kill(struct job* job);
