/* One CE with two ExpressRoute links and two tunnels to an Azure hub: the mission of the product,
 * over a model of its kernel, its tunnels and the hub's own choice of the way back. */
#ifndef TESTS_SIM_AZURE_H
#define TESTS_SIM_AZURE_H

#include "bgpd/config/config.h"
#include "tests/sim/sim_world.h"

/* Nodes, and the ways between them. */
enum azure_node {
    AZURE_CE,
    AZURE_MSEE0,
    AZURE_MSEE1,
    AZURE_GATEWAY0,
    AZURE_GATEWAY1,
    AZURE_NODE_COUNT,
};

#define AZURE_MSEE(i)    (AZURE_MSEE0 + (i))
#define AZURE_GATEWAY(i) (AZURE_GATEWAY0 + (i))
#define AZURE_WAY_ER(i)  (i)
#define AZURE_WAY_TUN(i) (2u + (i))

/* Slots of the CE's links. */
enum azure_slot {
    SLOT_LO = 1,
    SLOT_ER0,
    SLOT_ER1,
    SLOT_TUN0,
    SLOT_TUN1,
    SLOT_MGMT, /* a way in the clear that is nobody's underlay */
};

/* ---- Addresses ---- */

#define AZURE_HUB_PREFIXES_MAX 8u
#define AZURE_POINTS_MAX       12u

struct azure_plan {
    const char *name;
    uint8_t family;
    uint8_t er_bits;
    uint8_t host_bits;
    const char *er_local[2];
    const char *er_remote[2];
    const char *local_endpoint;
    const char *remote_endpoint[2];
    const char *inner_local;
    const char *inner_remote[2];
    const char *hub_protected;                  /* always protected */
    const char *spoke;                          /* protected at times */
    const char *site;                           /* clear network of ours */
    const char *site_ipsec;                     /* inside it, class ipsec */
    const char *site_ipsec2;                    /* the same, at times */
    const char *offers[AZURE_HUB_PREFIXES_MAX]; /* what far ends may announce, NULL-ended */
    const char *forward_points[AZURE_POINTS_MAX];
    const char *return_points[AZURE_POINTS_MAX];
    const char *static_prefix; /* inside the spoke */
    const char *foreign[8];    /* where other programs put routes; the last two take endpoints */
};

extern const struct azure_plan azure_plan_v4;
extern const struct azure_plan azure_plan_v6;

/* ---- Configuration of the CE, as the commits change it ---- */

struct azure_setup {
    uint8_t cover; /* enum cover_mode */
    bool protects_spoke;
    bool guard_is_blackhole;
    bool overrules; /* routes of other programs inside what is protected */
    bool has_second_ipsec_network;
    bool has_site;
    bool er_is_primary;
    bool is_active_standby;
    bool has_evidence; /* liveness interface xfrm probe */
    bool is_single_path;
    bool has_graceful_restart;
    bool lacks_tunnel0; /* it and its gateway are not configured: the other changes its number */
    bool has_static;    /* in the clear, inside the spoke */
    bool is_shut[4];    /* neighbours: MSEEs, gateways */
};

/* ---- What is watched for exposure ---- */

struct azure_point {
    struct ip_addr addr;
    bool is_protected;
    bool is_clean;            /* has been safe since it is protected: from now on it stays so */
    struct mono_time since;   /* protected, not clean */
    struct mono_time exposed; /* since; NEVER while it is not */
};

struct azure_watch {
    bool is_active;
    bool is_up; /* as reported */
    bool has_been_up;
    uint8_t ticks;
    struct ip_addr peer;
    struct ip_addr local;
};

struct azure_route {
    struct prefix prefix;
    uint8_t path_length;
};

#define AZURE_ROUTES_MAX 64u

struct azure_table {
    struct azure_route routes[AZURE_ROUTES_MAX];
    uint32_t count;
};

enum azure_preference {
    AZURE_PREFERS_ER,
    AZURE_PREFERS_VPN,
    AZURE_PREFERS_AS_PATH,
};

/* Bugs that are put in on purpose: each has to be found. */
enum azure_plant {
    PLANT_NONE,
    PLANT_NO_GUARDS,
    PLANT_WRONG_LINK,
    PLANT_NO_DELETES,
    PLANT_NO_PINS,
    PLANT_CLEAR_ANNOUNCEMENT, /* the protected network without its class */
    PLANT_FAIL_OPEN,          /* cover allow, without anybody having said so */
    PLANT_WRONG_CLASS,        /* a clear link that claims to be a tunnel */
    PLANT_NO_OVERRULES,
    PLANT_DEAF,          /* notifications and facts of the kernel are lost */
    PLANT_STOPPED_TIMER, /* these four are inside the cores and under them: enum sim_plant */
    PLANT_PAST_TIMER,
    PLANT_KEPT_CONN,
    PLANT_KEPT_HANDLE,
    PLANT_CHANCE, /* something that does not follow from the seed */
    PLANT_COUNT,
};

struct azure {
    const struct azure_plan *plan;
    struct azure_setup setup;     /* what the CE runs, or last ran */
    struct config_loader *loader; /* borrowed */
    enum azure_plant plant;
    enum azure_preference preference;
    bool is_er_silent[2];
    bool is_ike_dead[2]; /* at the CE */
    bool is_gateway_gone[2];
    bool has_sa[2]; /* at the CE; the gateway's may be left over */
    bool has_gateway_sa[2];
    uint32_t gone_ticks[2];
    uint32_t tunnel_sources[2]; /* LIVENESS_ bits watched */
    struct azure_watch bfd[2];  /* the CE's, by link */
    struct azure_watch far_bfd[2];
    struct azure_watch probe[2];
    uint32_t helpers;                  /* far ends with graceful restart, as bits */
    uint32_t offers[AZURE_NODE_COUNT]; /* bits: what a far end announces */
    bool is_limited[2];                /* the MSEE takes fewer prefixes than we have */
    struct azure_table held[AZURE_NODE_COUNT];
    uint64_t held_hash;
    uint64_t checked_version; /* of the CE's kernel */
    bool is_ways_dirty;       /* forward */
    bool is_return_dirty;
    struct azure_point forward[AZURE_POINTS_MAX];
    uint32_t forward_count;
    struct azure_point back[AZURE_POINTS_MAX];
    uint32_t back_count;
    uint8_t checked_cover;
    struct mono_time restart_at; /* of a daemon that was killed; NEVER */
    struct mono_time far_restart_at[AZURE_NODE_COUNT];
    struct mono_time sabotaged; /* somebody took what is ours: until it is repaired */
    uint32_t foreign_ticks;     /* a foreign route carries what is protected, for so long */
    uint32_t unruled_ticks;     /* and is not overruled, though that was asked for */
    uint32_t next_ifindex;
    uint64_t checks;
    uint32_t faults;
    uint32_t run_number;
    uint32_t dead_ticks[2];      /* a tunnel is dead, and the daemon could know, for so long */
    struct mono_time able_since; /* the daemon to do its work */
};

static inline struct azure *azure_of(const struct sim_world *world)
{
    return world->scenario;
}

static inline struct sim_node *azure_ce(struct sim_world *world)
{
    return &world->nodes[AZURE_CE];
}

/* ---- azure_wires.c: who reaches whom ---- */

struct ip_addr azure_addr(const char *text);
struct prefix azure_prefix(const char *text);
void azure_build(struct sim_world *world);
bool azure_find(struct sim_world *world, const struct sim_node *from,
                const struct conn_setup_action *setup, struct sim_wire *wire_out);
bool azure_passes(struct sim_world *world, const struct sim_wire *wire);
bool azure_er_passes(const struct sim_world *world, uint32_t link);
bool azure_tunnel_passes(struct sim_world *world, uint32_t tunnel);
bool azure_underlay_passes(struct sim_world *world, uint32_t tunnel);

/* ---- azure_tunnels.c: SAs, BFD and probes, every 300 ms ---- */

void azure_act(struct sim_world *world, struct sim_node *node, const struct core_action *action);
void azure_tick(struct sim_world *world);
void azure_sa_set(struct sim_world *world, uint32_t tunnel, bool is_there);
void azure_fact_happens(struct sim_world *world, const struct sim_happening *happening);

enum azure_happening {
    AZURE_TICK,
    AZURE_FACT_SA, /* number: tunnel */
};

/* ---- azure_hub.c: what the far ends hold, and how the hub chooses ---- */

void azure_hub_read(struct sim_world *world, uint32_t node);

/* Far ends the hub may send a packet to addr through, as bits; 0: it goes nowhere. */
uint32_t azure_hub_ways(const struct azure *azure, const struct ip_addr *addr);

/* Some MSEE has a route for addr, whether or not the hub would choose it. */
bool azure_hub_has_clear(const struct azure *azure, const struct ip_addr *addr);

/* ---- azure_config.c ---- */

/* The caller owes config_free. */
struct config *azure_ce_config(struct sim_world *world);
struct config *azure_far_config(struct sim_world *world, uint32_t node);
void azure_commit(struct sim_world *world, uint32_t node);
/* 1-based, as the running configuration counts; 0: not configured. */
uint16_t azure_tunnel_number(const struct azure *azure, uint32_t tunnel);
void azure_setup_change(struct sim_world *world);
void azure_start(struct sim_world *world, uint32_t node);

/* ---- azure_check.c ---- */

void azure_check(struct sim_world *world, struct sim_node *node);

/* The CE's configuration changed: what is protected from now on. */
void azure_points_update(struct sim_world *world);

/* Somebody else's route that carries protected packets has to be reported. */
void azure_foreign_tick(struct sim_world *world);

/* Packets have to leave a dead tunnel for another way, or for nowhere, in time. */
void azure_failover_tick(struct sim_world *world);

/* What is exposed now may be so for a moment. */
void azure_points_excuse(struct sim_world *world);

/* ---- azure_final.c: what must hold when everything has been quiet for long ---- */

void azure_final_check(struct sim_world *world);

/* Sessions that went down, of all nodes: none does in peace. */
uint32_t azure_dropped_count(struct sim_world *world);
void azure_stop_check(struct sim_world *world);

/* ---- azure_faults.c ---- */

void azure_fault(struct sim_world *world);
void azure_make_peace(struct sim_world *world);

/* ---- azure_scenario.c ---- */

struct azure_run {
    struct config_loader *loader;
    bool is_verbose;
    enum azure_plant plant;
    uint32_t number;           /* of the run of this seed */
    char text[SIM_TEXT_BYTES]; /* what failed; "" */
    uint64_t hash;
    uint64_t checks;
};

/* False when something failed; its trace was printed unless a plant was in. */
bool azure_scenario_run(uint64_t seed, struct azure_run *run);
const char *azure_plant_name(enum azure_plant plant);

#endif
