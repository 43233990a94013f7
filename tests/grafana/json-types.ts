// The schema's types as they look in JSON: an enum of words is one of its words. Properties that the schema does not
// know stay errors, since the generated file assigns object literals.

import type { Dashboard, Panel, RowPanel } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as GaugeOptions } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as StateTimelineField,
  Options as StateTimelineOptions,
} from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type {
  FieldConfig as StatusHistoryField,
  Options as StatusHistoryOptions,
} from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type {
  FieldConfig as TableField,
  Options as TableOptions,
} from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type {
  FieldConfig as TimeSeriesField,
  Options as TimeSeriesOptions,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

export type Json<T> = 0 extends 1 & T
  ? T
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends Array<infer Item>
        ? Array<Json<Item>>
        : T extends object
          ? { [Key in keyof T]: Json<T[Key]> }
          : T;

type NoCustom = Record<string, never>;

// Options that a newer Grafana added have defaults there, so an older dashboard may leave them out.
export interface PanelTypes {
  bargauge: { options: Partial<Json<BarGaugeOptions>>; custom: NoCustom };
  gauge: { options: Partial<Json<GaugeOptions>>; custom: NoCustom };
  stat: { options: Partial<Json<StatOptions>>; custom: NoCustom };
  'state-timeline': { options: Partial<Json<StateTimelineOptions>>; custom: Json<StateTimelineField> };
  'status-history': { options: Partial<Json<StatusHistoryOptions>>; custom: Json<StatusHistoryField> };
  table: { options: Partial<Json<TableOptions>>; custom: Partial<Json<TableField>> };
  timeseries: { options: Json<TimeSeriesOptions>; custom: Json<TimeSeriesField> };
}

type Annotation = NonNullable<NonNullable<Dashboard['annotations']>['list']>[number];

// What the Prometheus datasource reads from an annotation beside the schema's fields.
interface PrometheusAnnotation {
  expr?: string;
  step?: string;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

// A threshold's first step has no value in JSON: minus infinity is written as null.
type Thresholds = { mode: 'absolute' | 'percentage'; steps: Array<{ color: string; value: number | null }> };

type JsonField<T> = Omit<T, 'thresholds'> & { thresholds?: Thresholds };
type FieldConfigOf<P extends { fieldConfig?: unknown }> = NonNullable<P['fieldConfig']>;
type JsonPanel = Omit<Json<Panel>, 'fieldConfig'> & {
  fieldConfig?: Omit<FieldConfigOf<Json<Panel>>, 'defaults'> & {
    defaults: JsonField<FieldConfigOf<Json<Panel>> extends { defaults: infer D } ? D : never>;
  };
};
type JsonRow = Omit<Json<RowPanel>, 'panels'> & { panels: JsonPanel[] };

export type JsonDashboard = Omit<Json<Dashboard>, 'panels' | 'annotations'> & {
  panels?: Array<JsonPanel | JsonRow>;
  annotations?: { list?: Array<Json<Annotation> & PrometheusAnnotation> };
};
