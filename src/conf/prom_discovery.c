#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "conf/prom_discovery_priv.h"
#include "conf/url.h"

/*
 * The service discoveries that are checked and printed, but run by nothing yet. One table each; the
 * objects have one slot a row. Source: Prometheus, discovery, the SDConfig structs and their
 * UnmarshalYAML; rows stand in the order of the struct's fields.
 */

/* ---- Amazon ---- */

static const struct option filter_rows[] = {
    ROW("name", STR, SHOWN),
    ROW("values", STRS, SHOWN),
};
static const struct option_type filter_type = SLOTS("filter", filter_rows, NULL);

static void check_filters(struct option_reader *rd, const struct option_type *type,
                          const void *object, const struct yaml_node *node, const char *fault)
{
    const struct option_list *filters = NULL;
    size_t row = 0;

    while (strcmp(type->rows[row].key, "filters") != 0) {
        row++;
    }
    filters = (const void *)((const char *)object + row * OPTION_SLOT_BYTES);
    for (size_t i = 0; i < filters->count; i++) {
        if (option_slot_strs(&filter_type, filters->items[i], "values").count == 0) {
            option_fault_key(rd, node, "filters", "%s", fault);
        }
    }
}

static const char *const aws_roles[] = {"ec2", "ecs", "elasticache", "lightsail", "msk", "rds"};
static void unknown_aws_role(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown AWS SD role \"%.*s\"", STR_ARG(word));
}
WORDS(aws_role_words, aws_roles, unknown_aws_role, false);

CHECK(aws)
{
    (void)require(rd, node, IS_SET(aws, "role"), "role", "unknown AWS SD role \"\"");
    check_filters(rd, &aws_type, object, node,
                  "EC2 SD configuration filter values cannot be empty");
    check_http(rd, &aws_type, object, node);
}

static const struct option aws_rows[] = {
    ROW("role", WORD, SHOWN, OF(aws_role_words)),
    ROW("region", STR),
    ROW("endpoint", STR),
    ROW("access_key", STR),
    ROW("secret_key", SECRET),
    ROW("profile", STR),
    ROW("role_arn", STR),
    ROW("external_id", STR),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("port", INT),
    HTTP,
    ROW("filters", LIST, OF(filter_type)),
    ROW("clusters", STRS),
    ROW("request_concurrency", INT),
};
static const struct option_type aws_type = SLOTS("aws_sd_config", aws_rows, check_aws);

/* EC2, Lightsail and the others differ in what they list. */
#define AWS_HEAD                                                                                   \
    ROW("endpoint", STR, SHOWN), ROW("region", STR, SHOWN), ROW("access_key", STR),                \
        ROW("secret_key", SECRET), ROW("profile", STR), ROW("role_arn", STR),                      \
        ROW("external_id", STR), ROW("refresh_interval", DURATION, DEFAULT("60s")),                \
        ROW("port", INT, SHOWN, DEFAULT("80"))

CHECK(ec2)
{
    check_filters(rd, &ec2_type, object, node,
                  "EC2 SD configuration filter values cannot be empty");
    check_http(rd, &ec2_type, object, node);
}
static const struct option ec2_rows[] = {
    AWS_HEAD,
    ROW("filters", LIST, SHOWN, OF(filter_type)),
    HTTP,
};
static const struct option_type ec2_type = SLOTS("ec2_sd_config", ec2_rows, check_ec2);

CHECK(lightsail)
{
    check_http(rd, &lightsail_type, object, node);
}
static const struct option lightsail_rows[] = {AWS_HEAD, HTTP};
static const struct option_type lightsail_type =
    SLOTS("lightsail_sd_config", lightsail_rows, check_lightsail);

/* ECS, ElastiCache, MSK and RDS know clusters and limit their own requests. */
CHECK(cluster)
{
    check_http(rd, &cluster_type, object, node);
}
static const struct option cluster_rows[] = {
    ROW("region", STR, SHOWN),
    ROW("endpoint", STR, SHOWN),
    ROW("access_key", STR),
    ROW("secret_key", SECRET),
    ROW("profile", STR),
    ROW("role_arn", STR),
    ROW("external_id", STR),
    ROW("clusters", STRS),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("filters", LIST, OF(filter_type)),
    ROW("request_concurrency", INT, DEFAULT("10")),
    HTTP,
};
static const struct option_type cluster_type =
    SLOTS("aws_cluster_sd_config", cluster_rows, check_cluster);

/* ---- Azure ---- */

static const char *const azure_methods[] = {"OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"};

CHECK(azure)
{
    str method = GET(azure, "authentication_method");
    bool known = false;

    (void)require(rd, node, IS_SET(azure, "subscription_id"), "subscription_id",
                  "azure SD configuration requires a subscription_id");
    if (str_is(method, "OAuth")) {
        (void)require(rd, node, IS_SET(azure, "tenant_id"), "tenant_id",
                      "azure SD configuration requires a tenant_id");
        (void)require(rd, node, IS_SET(azure, "client_id"), "client_id",
                      "azure SD configuration requires a client_id");
        (void)require(rd, node, IS_SET(azure, "client_secret"), "client_secret",
                      "azure SD configuration requires a client_secret");
    }
    for (size_t i = 0; i < ARRAY_COUNT(azure_methods); i++) {
        known |= str_is(method, azure_methods[i]);
    }
    if (!known) {
        option_fault_key(rd, node, "authentication_method",
                         "unknown authentication_type \"%.*s\". Supported types are \"OAuth\", "
                         "\"ManagedIdentity\", \"SDK\" or \"WorkloadIdentity\"",
                         STR_ARG(method));
    }
    check_http(rd, &azure_type, object, node);
}
static const struct option azure_rows[] = {
    ROW("environment", STR, DEFAULT("AzurePublicCloud")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("subscription_id", STR, SHOWN),
    ROW("tenant_id", STR),
    ROW("client_id", STR),
    ROW("client_secret", SECRET),
    ROW("refresh_interval", DURATION, DEFAULT("5m")),
    ROW("authentication_method", STR, DEFAULT("OAuth")),
    ROW("resource_group", STR),
    HTTP,
};
static const struct option_type azure_type = SLOTS("azure_sd_config", azure_rows, check_azure);

/* ---- Consul ---- */

CHECK(consul)
{
    const struct prom_http *http = option_slot_ptr(&consul_type, object, "http");
    bool login = IS_SET(consul, "username") || IS_SET(consul, "password");

    (void)require(rd, node, str_trim(GET(consul, "server")).len > 0, "server",
                  "consul SD configuration requires a server address");
    if (login && http->basic_auth != NULL) {
        option_fault_key(rd, node, "basic_auth",
                         "at most one of consul SD configuration username and password and basic "
                         "auth can be configured");
    }
    if (IS_SET(consul, "token") && (http->authorization != NULL || http->oauth2 != NULL)) {
        option_fault_key(rd, node, "token",
                         "at most one of consul SD token, authorization, or oauth2 can be "
                         "configured");
    }
    check_http(rd, &consul_type, object, node);
}
static const struct option consul_rows[] = {
    ROW("server", STR, DEFAULT("localhost:8500")),
    ROW("path_prefix", STR),
    ROW("token", SECRET),
    ROW("datacenter", STR),
    ROW("namespace", STR),
    ROW("partition", STR),
    ROW("tag_separator", STR, DEFAULT(",")),
    ROW("scheme", STR, DEFAULT("http")),
    ROW("username", STR),
    ROW("password", SECRET),
    ROW("allow_stale", BOOL, SHOWN, DEFAULT("true")),
    ROW("refresh_interval", DURATION, DEFAULT("30s")),
    ROW("services", STRS),
    ROW("tags", STRS),
    ROW("node_meta", PAIRS),
    ROW("filter", STR),
    ROW("health_filter", STR),
    HTTP,
};
static const struct option_type consul_type = SLOTS("consul_sd_config", consul_rows, check_consul);

/* ---- DigitalOcean, Vultr, Linode, IONOS: a port, an interval, a client ---- */

CHECK(digitalocean)
{
    check_http(rd, &digitalocean_type, object, node);
}
static const struct option digitalocean_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
};
static const struct option_type digitalocean_type =
    SLOTS("digitalocean_sd_config", digitalocean_rows, check_digitalocean);

CHECK(vultr)
{
    check_http(rd, &vultr_type, object, node);
}
static const struct option vultr_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
};
static const struct option_type vultr_type = SLOTS("vultr_sd_config", vultr_rows, check_vultr);

CHECK(linode)
{
    check_http(rd, &linode_type, object, node);
}
static const struct option linode_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("tag_separator", STR, DEFAULT(",")),
    ROW("region", STR),
};
static const struct option_type linode_type = SLOTS("linode_sd_config", linode_rows, check_linode);

CHECK(ionos)
{
    (void)require(rd, node, IS_SET(ionos, "datacenter_id"), "datacenter_id",
                  "datacenter id can't be empty");
    check_http(rd, &ionos_type, object, node);
}
static const struct option ionos_rows[] = {
    ROW("datacenter_id", STR, SHOWN),
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
};
static const struct option_type ionos_type = SLOTS("ionos_sd_config", ionos_rows, check_ionos);

/* ---- Docker and Swarm ---- */

static void check_docker_host(struct option_reader *rd, str host, const struct yaml_node *node)
{
    struct baro_error err;
    struct url url;

    if (!require(rd, node, host.len > 0, "host", "host missing")) {
        return;
    }
    if (url_parse(host, &url, &err) < 0) {
        option_fault_key(rd, node, "host", "%s", err.message);
    }
}

CHECK(docker)
{
    check_docker_host(rd, GET(docker, "host"), node);
    check_http(rd, &docker_type, object, node);
}
static const struct option docker_rows[] = {
    HTTP,
    ROW("host", STR, SHOWN),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("filters", LIST, SHOWN, OF(filter_type)),
    ROW("host_networking_host", STR, SHOWN, DEFAULT("localhost")),
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("match_first_network", BOOL, SHOWN, DEFAULT("true")),
};
static const struct option_type docker_type = SLOTS("docker_sd_config", docker_rows, check_docker);

CHECK(dockerswarm)
{
    str role = GET(dockerswarm, "role");

    check_docker_host(rd, GET(dockerswarm, "host"), node);
    if (role.len == 0) {
        option_fault(rd, node, "role missing (one of: tasks, services, nodes)");
    } else if (!str_is(role, "services") && !str_is(role, "nodes") && !str_is(role, "tasks")) {
        option_fault_key(rd, node, "role", "invalid role %.*s, expected tasks, services, or nodes",
                         STR_ARG(role));
    }
    check_http(rd, &dockerswarm_type, object, node);
}
static const struct option dockerswarm_rows[] = {
    HTTP,
    ROW("host", STR, SHOWN),
    ROW("role", STR, SHOWN),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("filters", LIST, SHOWN, OF(filter_type)),
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
};
static const struct option_type dockerswarm_type =
    SLOTS("dockerswarm_sd_config", dockerswarm_rows, check_dockerswarm);

/* ---- Eureka ---- */

CHECK(eureka)
{
    str server = GET(eureka, "server");
    struct baro_error err;
    struct url url = {0};

    if (require(rd, node, server.len > 0, "server", "eureka_sd: empty or null eureka server")) {
        if (url_parse(server, &url, &err) < 0) {
            option_fault_key(rd, node, "server", "%s", err.message);
        } else if (url.scheme.len == 0 || url.host.len == 0) {
            option_fault_key(rd, node, "server", "invalid eureka server URL");
        }
    }
    check_http(rd, &eureka_type, object, node);
}
static const struct option eureka_rows[] = {
    ROW("server", STR),
    HTTP,
    ROW("refresh_interval", DURATION, DEFAULT("30s")),
};
static const struct option_type eureka_type = SLOTS("eureka_sd_config", eureka_rows, check_eureka);

/* ---- Google ---- */

CHECK(gce)
{
    (void)require(rd, node, IS_SET(gce, "project"), "project",
                  "GCE SD configuration requires a project");
    (void)require(rd, node, IS_SET(gce, "zone"), "zone", "GCE SD configuration requires a zone");
}
static const struct option gce_rows[] = {
    ROW("project", STR, SHOWN),
    ROW("zone", STR, SHOWN),
    ROW("filter", STR),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("tag_separator", STR, DEFAULT(",")),
};
static const struct option_type gce_type = SLOTS("gce_sd_config", gce_rows, check_gce);

/* ---- Hetzner ---- */

static const char *const hetzner_roles[] = {"robot", "hcloud"};
static void unknown_hetzner_role(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown role \"%.*s\"", STR_ARG(word));
}
WORDS(hetzner_role_words, hetzner_roles, unknown_hetzner_role, false);

CHECK(hetzner)
{
    (void)require(rd, node, IS_SET(hetzner, "role"), "role",
                  "role missing (one of: robot, hcloud)");
    check_http(rd, &hetzner_type, object, node);
}
static const struct option hetzner_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("role", WORD, SHOWN, OF(hetzner_role_words)),
    ROW("label_selector", STR),
};
static const struct option_type hetzner_type =
    SLOTS("hetzner_sd_config", hetzner_rows, check_hetzner);

/* ---- Kuma ---- */

CHECK(kuma)
{
    str server = GET(kuma, "server");
    struct baro_error err;
    struct url url = {0};

    if (require(rd, node, server.len > 0, "server", "kuma SD server must not be empty: ")) {
        if (url_parse(server, &url, &err) < 0) {
            option_fault_key(rd, node, "server", "%s", err.message);
        } else if (url.scheme.len == 0 || url.host.len == 0) {
            option_fault_key(rd, node, "server",
                             "kuma SD server must not be empty and have a scheme: %.*s",
                             STR_ARG(server));
        }
    }
    check_http(rd, &kuma_type, object, node);
}
static const struct option kuma_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, DEFAULT("15s")),
    ROW("fetch_timeout", DURATION, DEFAULT("2m")),
    ROW("server", STR),
    ROW("client_id", STR),
};
static const struct option_type kuma_type = SLOTS("kuma_sd_config", kuma_rows, check_kuma);

/* ---- Marathon ---- */

CHECK(marathon)
{
    const struct prom_http *http = option_slot_ptr(&marathon_type, object, "http");
    bool token = IS_SET(marathon, "auth_token");
    bool file = IS_SET(marathon, "auth_token_file");
    bool any = token || file;

    (void)require(rd, node, option_slot_strs(&marathon_type, object, "servers").count > 0,
                  "servers", "marathon_sd: must contain at least one Marathon server");
    if (token && file) {
        option_fault_key(rd, node, "auth_token_file",
                         "marathon_sd: at most one of auth_token & auth_token_file must be "
                         "configured");
    }
    if (any && (http->basic_auth != NULL || http->oauth2 != NULL)) {
        option_fault_key(rd, node, "basic_auth",
                         "marathon_sd: at most one of basic_auth, auth_token & auth_token_file "
                         "must be configured");
    }
    if (any && (secret_is_set(http->bearer_token) || http->bearer_token_file.len > 0)) {
        option_fault(rd, node,
                     "marathon_sd: at most one of bearer_token, bearer_token_file, "
                     "auth_token & auth_token_file must be configured");
    }
    if (any && http->authorization != NULL) {
        option_fault_key(rd, node, "authorization",
                         "marathon_sd: at most one of auth_token, auth_token_file & authorization "
                         "must be configured");
    }
    check_http(rd, &marathon_type, object, node);
}
static const struct option marathon_rows[] = {
    ROW("servers", STRS),
    ROW("refresh_interval", DURATION, DEFAULT("30s")),
    ROW("auth_token", SECRET),
    ROW("auth_token_file", FILE),
    HTTP,
};
static const struct option_type marathon_type =
    SLOTS("marathon_sd_config", marathon_rows, check_marathon);

/* ---- ZooKeeper: Nerve and Serverset ---- */

static void check_zookeeper(struct option_reader *rd, const struct option_type *type,
                            const void *object, const struct yaml_node *node, const char *name)
{
    struct conf_strs paths = option_slot_strs(type, object, "paths");

    if (option_slot_strs(type, object, "servers").count == 0) {
        option_fault_key(rd, node, "servers",
                         "%s SD config must contain at least one Zookeeper server", name);
    }
    if (paths.count == 0) {
        option_fault_key(rd, node, "paths", "%s SD config must contain at least one path", name);
    }
    for (size_t i = 0; i < paths.count; i++) {
        if (!str_has_prefix(paths.items[i], STR("/"))) {
            option_fault_key(rd, node, "paths", "%s SD config paths must begin with '/': %.*s",
                             name, STR_ARG(paths.items[i]));
        }
    }
}

static const struct option zookeeper_rows[] = {
    ROW("servers", STRS, SHOWN),
    ROW("paths", STRS, SHOWN),
    ROW("timeout", DURATION, DEFAULT("10s")),
};

CHECK(nerve)
{
    check_zookeeper(rd, &nerve_type, object, node, "nerve");
}
static const struct option_type nerve_type = SLOTS("nerve_sd_config", zookeeper_rows, check_nerve);

CHECK(serverset)
{
    check_zookeeper(rd, &serverset_type, object, node, "serverset");
}
static const struct option_type serverset_type =
    SLOTS("serverset_sd_config", zookeeper_rows, check_serverset);

/* ---- Nomad ---- */

CHECK(nomad)
{
    (void)require(rd, node, str_trim(GET(nomad, "server")).len > 0, "server",
                  "nomad SD configuration requires a server address");
    check_http(rd, &nomad_type, object, node);
}
static const struct option nomad_rows[] = {
    ROW("allow_stale", BOOL, SHOWN, DEFAULT("true")),
    HTTP,
    ROW("namespace", STR, SHOWN, DEFAULT("default")),
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("region", STR, SHOWN, DEFAULT("global")),
    ROW("server", STR, SHOWN, DEFAULT("http://localhost:4646")),
    ROW("tag_separator", STR, DEFAULT(",")),
};
static const struct option_type nomad_type = SLOTS("nomad_sd_config", nomad_rows, check_nomad);

/* ---- Oracle ---- */

static void check_oci_key(struct option_reader *rd, const struct option_type *type,
                          const void *object, const struct yaml_node *node)
{
    static const char *const needed[] = {"tenancy", "user", "fingerprint", "key_file"};

    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (!option_slot_is_set(type, object, needed[i])) {
            option_fault_key(rd, node, needed[i], "oci_sd: api_key auth requires %s", needed[i]);
        }
    }
    if (option_slot_is_set(type, object, "key_passphrase") &&
        option_slot_is_set(type, object, "key_passphrase_file")) {
        option_fault_key(rd, node, "key_passphrase",
                         "oci_sd: at most one of key_passphrase and key_passphrase_file must be "
                         "configured");
    }
}

CHECK(oci)
{
    static const char *const key_only[] = {"tenancy",  "user",           "fingerprint",
                                           "key_file", "key_passphrase", "key_passphrase_file"};
    str auth = GET(oci, "auth");
    struct conf_strs compartments = option_slot_strs(&oci_type, object, "compartments");
    bool any = false;

    (void)require(rd, node, IS_SET(oci, "region"), "region", "oci_sd: region is required");
    if (str_is(auth, "api_key")) {
        check_oci_key(rd, &oci_type, object, node);
    } else if (str_is(auth, "instance_principal")) {
        for (size_t i = 0; i < ARRAY_COUNT(key_only); i++) {
            any |= IS_SET(oci, key_only[i]);
        }
        if (any) {
            option_fault(rd, node,
                         "oci_sd: instance_principal auth must not have tenancy, user, "
                         "fingerprint, key_file, key_passphrase, or key_passphrase_file "
                         "set");
        }
    } else {
        option_fault_key(rd, node, "auth",
                         "oci_sd: unknown auth method \"%.*s\", expected \"api_key\" or "
                         "\"instance_principal\"",
                         STR_ARG(auth));
    }
    for (size_t i = 0; i < compartments.count; i++) {
        if (compartments.items[i].len == 0) {
            option_fault_key(rd, node, "compartments",
                             "oci_sd: compartments[%zu] must not be empty", i);
        }
    }
    if (option_slot_int(&oci_type, object, "refresh_interval") <= 0) {
        option_fault_key(rd, node, "refresh_interval",
                         "oci_sd: refresh_interval must be positive, got 0s");
    }
    check_http(rd, &oci_type, object, node);
}
static const struct option oci_rows[] = {
    ROW("auth", STR, DEFAULT("api_key")),
    ROW("tenancy", STR),
    ROW("user", STR),
    ROW("fingerprint", STR),
    ROW("key_file", FILE),
    ROW("key_passphrase", SECRET),
    ROW("key_passphrase_file", FILE),
    ROW("region", STR, SHOWN),
    ROW("compartments", STRS),
    HTTP,
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
};
static const struct option_type oci_type = SLOTS("oci_sd_config", oci_rows, check_oci);

/* ---- OpenStack ---- */

static const char *const openstack_roles[] = {"hypervisor", "instance", "loadbalancer"};
static void unknown_openstack_role(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown OpenStack SD role \"%.*s\"", STR_ARG(word));
}
WORDS(openstack_role_words, openstack_roles, unknown_openstack_role, false);

CHECK(openstack)
{
    str availability = GET(openstack, "availability");

    if (!str_is(availability, "public") && !str_is(availability, "internal") &&
        !str_is(availability, "admin")) {
        option_fault_key(rd, node, "availability",
                         "unknown availability %.*s, must be one of admin, internal or public",
                         STR_ARG(availability));
    }
    (void)require(rd, node, IS_SET(openstack, "role"), "role",
                  "role missing (one of: instance, hypervisor, loadbalancer)");
    (void)require(rd, node, IS_SET(openstack, "region"), "region",
                  "openstack SD configuration requires a region");
}
static const struct option openstack_rows[] = {
    ROW("identity_endpoint", STR, SHOWN),
    ROW("username", STR, SHOWN),
    ROW("userid", STR, SHOWN),
    ROW("password", SECRET, SHOWN),
    ROW("project_name", STR, SHOWN),
    ROW("project_id", STR, SHOWN),
    ROW("domain_name", STR, SHOWN),
    ROW("domain_id", STR, SHOWN),
    ROW("application_credential_name", STR),
    ROW("application_credential_id", STR),
    ROW("application_credential_secret", SECRET),
    ROW("role", WORD, SHOWN, OF(openstack_role_words)),
    ROW("region", STR, SHOWN),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("all_tenants", BOOL),
    ROW("tls_config", STRUCT, OF(prom_tls_type), .flags = OPTION_VALUE),
    ROW("availability", STR, DEFAULT("public")),
};
static const struct option_type openstack_type =
    SLOTS("openstack_sd_config", openstack_rows, check_openstack);

/* ---- Outscale ---- */

CHECK(outscale)
{
    bool key = IS_SET(outscale, "secret_key");
    bool file = IS_SET(outscale, "secret_key_file");

    (void)require(rd, node, IS_SET(outscale, "region"), "region",
                  "outscale SD configuration requires a region");
    (void)require(rd, node, IS_SET(outscale, "access_key"), "access_key",
                  "outscale SD configuration requires access_key");
    (void)require(rd, node, key || file, "secret_key",
                  "one of secret_key & secret_key_file must be configured");
    (void)require(rd, node, !key || !file, "secret_key_file",
                  "at most one of secret_key & secret_key_file must be configured");
    if (!IS_SET(outscale, "endpoint") && IS_SET(outscale, "region")) {
        str region = GET(outscale, "region");

        option_slot_set_str(
            &outscale_type, object, "endpoint",
            arena_printf(rd->arena, "https://api.%.*s.outscale.com/api/v1", STR_ARG(region)));
    }
    check_http(rd, &outscale_type, object, node);
}
static const struct option outscale_rows[] = {
    ROW("endpoint", STR, SHOWN),
    ROW("region", STR, SHOWN),
    ROW("access_key", STR, SHOWN),
    ROW("secret_key", SECRET, SHOWN),
    ROW("secret_key_file", FILE, SHOWN),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    HTTP,
};
static const struct option_type outscale_type =
    SLOTS("outscale_sd_config", outscale_rows, check_outscale);

/* ---- OVHcloud ---- */

CHECK(ovhcloud)
{
    str service = GET(ovhcloud, "service");

    (void)require(rd, node, IS_SET(ovhcloud, "endpoint"), "endpoint", "endpoint can not be empty");
    (void)require(rd, node, IS_SET(ovhcloud, "application_key"), "application_key",
                  "application key can not be empty");
    (void)require(rd, node, IS_SET(ovhcloud, "application_secret"), "application_secret",
                  "application secret can not be empty");
    (void)require(rd, node, IS_SET(ovhcloud, "consumer_key"), "consumer_key",
                  "consumer key can not be empty");
    if (!str_is(service, "vps") && !str_is(service, "dedicated_server")) {
        option_fault_key(rd, node, "service", "unknown service: %.*s", STR_ARG(service));
    }
}
static const struct option ovhcloud_rows[] = {
    ROW("endpoint", STR, SHOWN, DEFAULT("ovh-eu")),
    ROW("application_key", STR, SHOWN),
    ROW("application_secret", SECRET, SHOWN),
    ROW("consumer_key", SECRET, SHOWN),
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("service", STR, SHOWN),
};
static const struct option_type ovhcloud_type =
    SLOTS("ovhcloud_sd_config", ovhcloud_rows, check_ovhcloud);

/* ---- PuppetDB ---- */

CHECK(puppetdb)
{
    prom_http_url_check(rd, GET(puppetdb, "url"), node);
    (void)require(rd, node, IS_SET(puppetdb, "query"), "query", "query missing");
    check_http(rd, &puppetdb_type, object, node);
}
static const struct option puppetdb_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("url", STR, SHOWN),
    ROW("query", STR, SHOWN),
    ROW("include_parameters", BOOL, SHOWN),
    ROW("port", INT, SHOWN, DEFAULT("80")),
};
static const struct option_type puppetdb_type =
    SLOTS("puppetdb_sd_config", puppetdb_rows, check_puppetdb);

/* ---- Scaleway ---- */

static const char *const scaleway_roles[] = {"instance", "baremetal"};
static void unknown_scaleway_role(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown role \"%.*s\"", STR_ARG(word));
}
WORDS(scaleway_role_words, scaleway_roles, unknown_scaleway_role, false);

CHECK(scaleway)
{
    bool key = IS_SET(scaleway, "secret_key");
    bool file = IS_SET(scaleway, "secret_key_file");

    (void)require(rd, node, IS_SET(scaleway, "role"), "role",
                  "role missing (one of: instance, baremetal)");
    (void)require(rd, node, IS_SET(scaleway, "project_id"), "project_id",
                  "project_id is mandatory");
    (void)require(rd, node, key || file, "secret_key",
                  "one of secret_key & secret_key_file must be configured");
    (void)require(rd, node, !key || !file, "secret_key_file",
                  "at most one of secret_key & secret_key_file must be configured");
    (void)require(rd, node, IS_SET(scaleway, "access_key"), "access_key",
                  "access_key is mandatory");
    check_http(rd, &scaleway_type, object, node);
}
static const struct option scaleway_rows[] = {
    ROW("project_id", STR, SHOWN),
    ROW("api_url", STR, DEFAULT("https://api.scaleway.com")),
    ROW("zone", STR, SHOWN, DEFAULT("fr-par-1")),
    ROW("access_key", STR, SHOWN),
    ROW("secret_key", SECRET, SHOWN),
    ROW("secret_key_file", FILE, SHOWN),
    ROW("name_filter", STR),
    ROW("tags_filter", STRS),
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("role", WORD, SHOWN, OF(scaleway_role_words)),
};
static const struct option_type scaleway_type =
    SLOTS("scaleway_sd_config", scaleway_rows, check_scaleway);

/* ---- STACKIT ---- */

CHECK(stackit)
{
    str endpoint = GET(stackit, "endpoint");
    struct baro_error err;
    struct url url;

    (void)require(rd, node, endpoint.len > 0 || IS_SET(stackit, "region"), "region",
                  "endpoint or region missing");
    if (url_parse(endpoint, &url, &err) < 0) {
        option_fault_key(rd, node, "endpoint", "invalid endpoint \"%.*s\": %s", STR_ARG(endpoint),
                         err.message);
    }
    check_http(rd, &stackit_type, object, node);
}
static const struct option stackit_rows[] = {
    HTTP,
    ROW("refresh_interval", DURATION, SHOWN, DEFAULT("60s")),
    ROW("port", INT, SHOWN, DEFAULT("80")),
    ROW("region", STR, SHOWN, DEFAULT("eu01")),
    ROW("endpoint", STR, SHOWN),
    ROW("project", STR, SHOWN),
    ROW("service_account_key", SECRET, SHOWN),
    ROW("private_key", SECRET, SHOWN),
    ROW("service_account_key_path", STR, SHOWN),
    ROW("private_key_path", STR, SHOWN),
    ROW("credentials_file_path", STR, SHOWN),
};
static const struct option_type stackit_type =
    SLOTS("stackit_sd_config", stackit_rows, check_stackit);

/* ---- Triton ---- */

CHECK(triton)
{
    str role = GET(triton, "role");

    if (!str_is(role, "container") && !str_is(role, "cn")) {
        option_fault_key(rd, node, "role",
                         "triton SD configuration requires role to be 'container' or 'cn'");
    }
    (void)require(rd, node, IS_SET(triton, "account"), "account",
                  "triton SD configuration requires an account");
    (void)require(rd, node, IS_SET(triton, "dns_suffix"), "dns_suffix",
                  "triton SD configuration requires a dns_suffix");
    (void)require(rd, node, IS_SET(triton, "endpoint"), "endpoint",
                  "triton SD configuration requires an endpoint");
    if (option_slot_int(&triton_type, object, "refresh_interval") <= 0) {
        option_fault_key(rd, node, "refresh_interval",
                         "triton SD configuration requires RefreshInterval to be a positive "
                         "integer");
    }
}
static const struct option triton_rows[] = {
    ROW("account", STR, SHOWN),
    ROW("role", STR, SHOWN, DEFAULT("container")),
    ROW("dns_suffix", STR, SHOWN),
    ROW("endpoint", STR, SHOWN),
    ROW("groups", STRS),
    ROW("port", INT, SHOWN, DEFAULT("9163")),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
    ROW("tls_config", STRUCT, OF(prom_tls_type), .flags = OPTION_VALUE),
    ROW("version", INT, SHOWN, DEFAULT("1")),
};
static const struct option_type triton_type = SLOTS("triton_sd_config", triton_rows, check_triton);

/* ---- Uyuni ---- */

CHECK(uyuni)
{
    str server = GET(uyuni, "server");
    struct baro_error err;
    struct url url;

    if (require(rd, node, server.len > 0, "server",
                "Uyuni SD configuration requires server host") &&
        url_parse(server, &url, &err) < 0) {
        option_fault_key(rd, node, "server", "Uyuni Server URL is not valid: %s", err.message);
    }
    (void)require(rd, node, IS_SET(uyuni, "username"), "username",
                  "Uyuni SD configuration requires a username");
    (void)require(rd, node, IS_SET(uyuni, "password"), "password",
                  "Uyuni SD configuration requires a password");
    check_http(rd, &uyuni_type, object, node);
}
static const struct option uyuni_rows[] = {
    ROW("server", URL, SHOWN),
    ROW("username", STR, SHOWN),
    ROW("password", SECRET, SHOWN),
    HTTP,
    ROW("entitlement", STR, DEFAULT("monitoring_entitled")),
    ROW("separator", STR, DEFAULT(",")),
    ROW("refresh_interval", DURATION, DEFAULT("60s")),
};
static const struct option_type uyuni_type = SLOTS("uyuni_sd_config", uyuni_rows, check_uyuni);

const struct discovery_entry prom_discoveries[] = {
    {"aws_sd_configs", &aws_type},
    {"azure_sd_configs", &azure_type},
    {"consul_sd_configs", &consul_type},
    {"digitalocean_sd_configs", &digitalocean_type},
    {"docker_sd_configs", &docker_type},
    {"dockerswarm_sd_configs", &dockerswarm_type},
    {"ec2_sd_configs", &ec2_type},
    {"ecs_sd_configs", &cluster_type},
    {"elasticache_sd_configs", &cluster_type},
    {"eureka_sd_configs", &eureka_type},
    {"gce_sd_configs", &gce_type},
    {"hetzner_sd_configs", &hetzner_type},
    {"ionos_sd_configs", &ionos_type},
    {"kubernetes_sd_configs", &prom_kubernetes_type},
    {"kuma_sd_configs", &kuma_type},
    {"lightsail_sd_configs", &lightsail_type},
    {"linode_sd_configs", &linode_type},
    {"marathon_sd_configs", &marathon_type},
    {"msk_sd_configs", &cluster_type},
    {"nerve_sd_configs", &nerve_type},
    {"nomad_sd_configs", &nomad_type},
    {"oci_sd_configs", &oci_type},
    {"openstack_sd_configs", &openstack_type},
    {"outscale_sd_configs", &outscale_type},
    {"ovhcloud_sd_configs", &ovhcloud_type},
    {"puppetdb_sd_configs", &puppetdb_type},
    {"rds_sd_configs", &cluster_type},
    {"scaleway_sd_configs", &scaleway_type},
    {"serverset_sd_configs", &serverset_type},
    {"stackit_sd_configs", &stackit_type},
    {"triton_sd_configs", &triton_type},
    {"uyuni_sd_configs", &uyuni_type},
    {"vultr_sd_configs", &vultr_type},
};
const size_t prom_discovery_count = ARRAY_COUNT(prom_discoveries);
