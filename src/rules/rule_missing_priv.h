/* rule_missing_priv: what the evaluation of alerts asks of rule_missing. */
#pragma once

#include "rules/rule_missing.h"
#include "rules/rule_priv.h"

/* rule_missing_of is what holds for a rule: its annotation, else the environment's; time is set. */
struct rule_missing rule_missing_of(const struct rule_spec *spec, const struct rule_env *env);

/* rule_missing_note takes down whether the rule's expression, evaluated at t, has read anything. */
void rule_missing_note(struct rule *rule, struct lock *lock, const struct rule_env *env,
                       uint64_t samples_read, ts t);

/* rule_missing_look finds out of which alerts that are not yielded this round the inputs are gone;
 * asks the store, and needs no lock. */
void rule_missing_look(struct rule *rule, const struct rule_env *env, ts t);

/* rule_missing_returns: an alert without data is yielded again. Returns whether it goes on, or is a
 * new one. Lock: the group's. */
bool rule_missing_returns(struct rule_alert *alert, enum rule_missing_kind kind, ts t);

/* rule_missing_apply_locked applies what rule_missing_look has found. */
void rule_missing_apply_locked(struct rule *rule, const struct rule_env *env, ts t,
                               struct arena *arena);

/* rule_missing_write adds the series of alerts and of the rule that have no data. */
int rule_missing_write(const struct rule *rule, str group, struct rule_writer *writer, ts t,
                       struct arena *arena, struct baro_error *err);

/* rule_missing_restore brings alerts without data back after a restart, and, where they go on,
 * those that were active before it. */
void rule_missing_restore(struct rule *rule, struct lock *lock, const struct rule_env *env, ts t,
                          dur tolerance);
