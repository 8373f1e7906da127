//! `roadstead user`, `service-principal`, `role` and `audit`

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user; without `--password-stdin` or `--issuer`, a password is made and printed this once
    Create(UserCreate),
    /// List users
    List,
    /// Show a user
    Show(UserName),
    /// Delete a user with its roles; its tokens count no longer
    Delete(UserName),
    /// Give a user another password, and end all its tokens
    SetPassword(SetPassword),
    /// Let a user log in again
    Enable(UserName),
    /// Keep a user from logging in, and end all its tokens
    Disable(UserName),
    /// End all tokens of a user
    SignOut(UserName),
}

#[derive(Debug, Args)]
pub struct UserName {
    /// Name with which the user logs in, or the user's id
    #[arg(short = 'n', long, visible_aliases = ["id", "user-principal-name"])]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct UserCreate {
    #[command(flatten)]
    pub user: UserName,
    /// Name for people to read; the user's name when left out
    #[arg(long)]
    pub display_name: Option<String>,
    /// Read the password from the first line of stdin
    #[arg(long, conflicts_with = "issuer")]
    pub password_stdin: bool,
    /// The user logs in at this issuer and has no password: its URL as in `[[issuers]]` of the configuration
    #[arg(long)]
    pub issuer: Option<String>,
    /// Who the user is at the issuer (`sub`); when left out, the first one of that name who logs in
    #[arg(long, requires = "issuer")]
    pub subject: Option<String>,
}

#[derive(Debug, Args)]
pub struct SetPassword {
    #[command(flatten)]
    pub user: UserName,
    /// Read the password from the first line of stdin; without it, one is made and printed this once
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Create a service principal with a secret, which is printed this once
    #[command(visible_alias = "create-for-rbac")]
    Create(ServiceCreate),
    /// List service principals
    List,
    /// Show a service principal
    Show(ServiceId),
    /// Delete a service principal with its roles; its tokens count no longer
    Delete(ServiceId),
    /// Let a service principal log in again
    Enable(ServiceId),
    /// Keep a service principal from logging in, and end all its tokens
    Disable(ServiceId),
    /// End all tokens of a service principal
    SignOut(ServiceId),
    /// Secrets of a service principal
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Other issuers whose tokens log a service principal in
    #[command(subcommand)]
    FederatedCredential(FederatedCommand),
}

#[derive(Debug, Args)]
pub struct ServiceId {
    /// Id of the service principal: its client id
    #[arg(long)]
    pub id: String,
}

#[derive(Debug, Args)]
pub struct ServiceCreate {
    /// Name for people to read
    #[arg(short = 'n', long, visible_alias = "name")]
    pub display_name: String,
    /// Days for which the secret counts, 730 when left out
    #[arg(long)]
    pub days: Option<u16>,
    /// A role to give it: `Contributor`, `IoT Hub Data Reader`
    #[arg(long)]
    pub role: Option<String>,
    #[command(flatten)]
    pub at: AtScope,
}

#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// List secrets, without the secrets themselves
    List(ServiceId),
    /// Make a secret, which is printed this once
    #[command(visible_alias = "reset")]
    Create(CredentialCreate),
    /// Remove a secret, and end all tokens of the service principal
    Delete(CredentialDelete),
}

#[derive(Debug, Args)]
pub struct CredentialCreate {
    #[command(flatten)]
    pub service: ServiceId,
    /// Name for people to read
    #[arg(long)]
    pub display_name: Option<String>,
    /// Days for which the secret counts, 730 when left out
    #[arg(long)]
    pub days: Option<u16>,
}

#[derive(Debug, Args)]
pub struct CredentialDelete {
    #[command(flatten)]
    pub service: ServiceId,
    /// Which secret, as `list` shows it
    #[arg(long)]
    pub key_id: String,
}

#[derive(Debug, Subcommand)]
pub enum FederatedCommand {
    /// List whose tokens log the service principal in
    List(ServiceId),
    /// Let tokens of an issuer that the configuration trusts log it in
    Create(FederatedCreate),
    /// Let tokens of an issuer log it in no longer
    Delete(FederatedDelete),
}

#[derive(Debug, Args)]
pub struct FederatedCreate {
    #[command(flatten)]
    pub service: ServiceId,
    /// Name of the federated credential
    #[arg(short = 'n', long)]
    pub name: String,
    /// Exactly what its tokens have in `iss`
    #[arg(long)]
    pub issuer: String,
    /// Exactly what its tokens have in `sub`
    #[arg(long)]
    pub subject: String,
}

#[derive(Debug, Args)]
pub struct FederatedDelete {
    #[command(flatten)]
    pub service: ServiceId,
    /// Name of the federated credential
    #[arg(short = 'n', long)]
    pub name: String,
}

#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// Who has which role where
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// The roles there are
    #[command(subcommand)]
    Definition(DefinitionCommand),
}

#[derive(Debug, Subcommand)]
pub enum DefinitionCommand {
    /// List the roles there are
    List,
}

#[derive(Debug, Subcommand)]
pub enum AssignmentCommand {
    /// Give a role
    Create(AssignmentCreate),
    /// List roles that were given
    List(AssignmentList),
    /// Take roles away; they count no longer at once
    Delete(AssignmentDelete),
}

/// Where a role counts.
#[derive(Debug, Clone, Default, Args)]
pub struct AtScope {
    /// Id of a subscription, group, hub or DPS instance; the subscription when left out
    #[arg(long, visible_alias = "scopes")]
    pub scope: Option<String>,
    /// A resource group, instead of `--scope`
    #[arg(short = 'g', long, conflicts_with = "scope")]
    pub resource_group: Option<String>,
}

#[derive(Debug, Args)]
pub struct AssignmentCreate {
    /// Whose: a user's name, or the id of a user or service principal
    #[arg(long, visible_alias = "assignee-object-id")]
    pub assignee: String,
    /// Name or id of the role
    #[arg(long)]
    pub role: String,
    #[command(flatten)]
    pub at: AtScope,
    /// Accepted, without effect: the server knows it
    #[arg(long, hide = true)]
    pub assignee_principal_type: Option<String>,
}

#[derive(Debug, Args)]
pub struct AssignmentList {
    /// Whose: a user's name, or the id of a user or service principal
    #[arg(long)]
    pub assignee: Option<String>,
    /// Name or id of the role
    #[arg(long)]
    pub role: Option<String>,
    #[command(flatten)]
    pub at: AtScope,
    /// Those below the scope, too
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct AssignmentDelete {
    /// Ids of assignments
    #[arg(long, num_args(1..), conflicts_with_all = ["assignee", "role", "scope", "resource_group"])]
    pub ids: Vec<String>,
    /// Whose: a user's name, or the id of a user or service principal
    #[arg(long, required_unless_present = "ids")]
    pub assignee: Option<String>,
    /// Name or id of the role
    #[arg(long)]
    pub role: Option<String>,
    #[command(flatten)]
    pub at: AtScope,
}

/// In the words of `az monitor activity-log list`.
#[derive(Debug, Args)]
pub struct Audit {
    /// At most so many lines; a change has two
    #[arg(long, default_value_t = 50)]
    pub max_events: usize,
    /// Leave out what was before this time: `2026-11-22T00:00:00Z`
    #[arg(long)]
    pub start_time: Option<String>,
    /// Leave out what was after this time
    #[arg(long)]
    pub end_time: Option<String>,
    /// Only changes in this resource group
    #[arg(short = 'g', long)]
    pub resource_group: Option<String>,
    /// Only changes by this caller, by name
    #[arg(long)]
    pub caller: Option<String>,
}
