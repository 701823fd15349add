/* Killing a job. This stands above both jobs and processes: a job knows its processes only as
 * members of its list. */
#pragma once

struct job;

/* Kills every process of the job and of the jobs below it. Nothing can be added to them any more.
 */
void job_kill(struct job* job);
