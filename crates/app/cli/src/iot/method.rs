//! `roadstead iot hub invoke-device-method` and `roadstead iot hub invoke-module-method`

use super::lookup::hub_service;
use super::twin::Owner;
use crate::args::Global;
use crate::args::method::InvokeMethod;
use crate::failure::Failure;
use crate::output::Printed;
use clap::Args;
use roadstead_service::MethodCall;
use serde_json::Value;
use serde_json::value::to_raw_value;

/// Prints the answer: `{"payload":…,"status":200}`. The status is the device's own; any is a success here.
pub async fn run<Of: Args + Owner>(invoke: &InvokeMethod<Of>, global: &Global) -> Result<Printed, Failure> {
    let call = call(invoke)?;
    let hub = hub_service(&invoke.of.device().hub, global).await?;
    let device = &invoke.of.device().device_id;
    let answer: Value = hub.invoke_method(device, invoke.of.module_id(), &call).await.map_err(|error| {
        let hint = match error.code() {
            Some("404103" | "DeviceNotOnline") => "it must be connected, and subscribed to methods; see `roadstead iot hub device-twin show --query connectionState`",
            Some("504101" | "GatewayTimeout") => "it is connected and does not answer; `--timeout` says how long is waited",
            _ => return error.into(),
        };
        Failure::from(error).hint(hint)
    })?;
    Ok(answer.into())
}

fn call<Of: Args>(invoke: &InvokeMethod<Of>) -> Result<MethodCall, Failure> {
    let payload = to_raw_value(&invoke.method_payload).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(MethodCall {
        method_name: invoke.method_name.clone(),
        payload: Some(payload),
        response_timeout_in_seconds: Some(invoke.timeout),
        connect_timeout_in_seconds: Some(invoke.timeout),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    #[test]
    fn methods_are_called_as_az_calls_them() {
        for (flags, expected) in [
            (
                "--mn reboot",
                r#"{"methodName":"reboot","payload":{},"responseTimeoutInSeconds":30,"connectTimeoutInSeconds":30}"#,
            ),
            (
                "--method-name m --mp [1,2.50] --to 10",
                r#"{"methodName":"m","payload":[1,2.5],"responseTimeoutInSeconds":10,"connectTimeoutInSeconds":10}"#,
            ),
        ] {
            let line = format!("roadstead iot hub invoke-device-method -n h -d d {flags}");
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Iot(IotCommand::Hub(HubCommand::InvokeDeviceMethod(invoke))) = cli.command else { panic!() };
            assert_eq!(serde_json::to_string(&call(&invoke).unwrap()).unwrap(), expected);
        }
    }
}
