/* commands: the subcommands of the program, one function each; a row of commands.def names it. */
#pragma once

/*
 * Each takes what follows the command's words, writes to standard output and error, and returns the
 * exit status: 0 = good, 1 = refused or failed, 2 = wrong usage, 3 = lint findings.
 */
int command_alert_ack(int argc, char **argv);
int command_alert_add(int argc, char **argv);
int command_alert_query(int argc, char **argv);
int command_alert_test_receiver(int argc, char **argv);
int command_backtest(int argc, char **argv);
int command_check_heartbeats(int argc, char **argv);
int command_check_am_config(int argc, char **argv);
int command_check_catalog(int argc, char **argv);
int command_check_config(int argc, char **argv);
int command_check_dashboards(int argc, char **argv);
int command_check_healthy(int argc, char **argv);
int command_check_metrics(int argc, char **argv);
int command_check_ready(int argc, char **argv);
int command_check_rules(int argc, char **argv);
int command_check_service_discovery(int argc, char **argv);
int command_check_web_config(int argc, char **argv);
int command_config_routes_show(int argc, char **argv);
int command_config_routes_test(int argc, char **argv);
int command_debug_all(int argc, char **argv);
int command_debug_metrics(int argc, char **argv);
int command_debug_pprof(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_export_container(int argc, char **argv);
int command_export_gpu(int argc, char **argv);
int command_export_node(int argc, char **argv);
int command_export_postgres(int argc, char **argv);
int command_export_redis(int argc, char **argv);
int command_export_statsd(int argc, char **argv);
int command_gen_c(int argc, char **argv);
int command_gen_dashboard(int argc, char **argv);
int command_gen_docs(int argc, char **argv);
int command_promql_delete(int argc, char **argv);
int command_promql_format(int argc, char **argv);
int command_promql_set(int argc, char **argv);
int command_push_metrics(int argc, char **argv);
int command_query_analyze(int argc, char **argv);
int command_query_instant(int argc, char **argv);
int command_query_labels(int argc, char **argv);
int command_query_range(int argc, char **argv);
int command_query_series(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_template_render(int argc, char **argv);
int command_silence_add(int argc, char **argv);
int command_silence_expire(int argc, char **argv);
int command_silence_export(int argc, char **argv);
int command_silence_import(int argc, char **argv);
int command_silence_preview(int argc, char **argv);
int command_silence_query(int argc, char **argv);
int command_silence_update(int argc, char **argv);
int command_test_promql(int argc, char **argv);
int command_test_rules(int argc, char **argv);
int command_tsdb_analyze(int argc, char **argv);
int command_tsdb_create_openmetrics(int argc, char **argv);
int command_tsdb_create_rules(int argc, char **argv);
int command_tsdb_dump(int argc, char **argv);
int command_tsdb_dump_openmetrics(int argc, char **argv);
int command_tsdb_list(int argc, char **argv);
int command_tsdb_verify(int argc, char **argv);
